"""Label Studio's own server and SDK, from the environment that `make test-tools` makes for them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.launch import TritonServer
from tests.client.annotation.label_studio.conftest import ROOT, backend
from tests.client.annotation.label_studio.expected import CONFIG, assert_they_are_what_was_found
from tests.client.annotation.label_studio.test_brush import decoded
from tests.client.conftest import Demo
from tests.scaling.proxy import free_ports

PROGRAMS = ROOT / ".venv" / "label_studio" / "bin"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (PROGRAMS / "label-studio").exists(), reason="`make test-tools` installs Label Studio"
    ),
]

SDK_DECODES = """
import hashlib, json, sys
from label_studio_sdk.converter.brush import decode_rle

print(*(hashlib.sha256(decode_rle(rle).tobytes()).hexdigest() for rle in json.load(sys.stdin)))
"""


@dataclass
class LabelStudio:
    """A running server, with one user."""

    url: str
    token: str

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        return self.send(method, path, body, "application/json")

    def send(self, method: str, path: str, body: bytes | None, kind: str) -> Any:
        headers = {"Authorization": f"Token {self.token}", "Content-Type": kind}
        asked = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)


@pytest.fixture
def label_studio(tmp_path: Path) -> Iterator[LabelStudio]:
    (port,) = free_ports(1)
    url, token = f"http://127.0.0.1:{port}", secrets.token_hex(20)
    address = ["--internal-host", "127.0.0.1", "--port", str(port)]
    user = ["--username", "a@example.com", "--password", token, "--user-token", token]
    user.append("--enable-legacy-api-token")
    environment = {
        **os.environ,
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path / "label_studio"),
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
    }
    with (
        (tmp_path / "label_studio.log").open("wb") as log,
        subprocess.Popen(
            [PROGRAMS / "label-studio", "start", "--no-browser", *address, *user],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            give_up_at = time.monotonic() + 300
            while not answers(f"{url}/health"):
                assert process.poll() is None
                assert time.monotonic() < give_up_at
                time.sleep(0.5)
            yield LabelStudio(url, token)
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except OSError:
        return False
    return True


def test_a_project_is_annotated(
    label_studio: LabelStudio, recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    project = {"title": "Shapes", "label_config": CONFIG}
    number = label_studio.ask("POST", "/api/projects/", project)["id"]
    images = demo.content["images"][:8]
    for image in images:
        body, kind = multipart(image["file_name"], (demo.images / image["file_name"]).read_bytes())
        label_studio.send("POST", f"/api/projects/{number}/import", body, kind)

    options = ["--url", recorded_server.grpc_url, "--label-studio", label_studio.url]
    with backend(tmp_path, *options, api_key=label_studio.token) as running:
        model = {"project": number, "url": running.url, "title": "mask_rcnn"}
        connected = label_studio.ask("POST", "/api/ml/", model)
        assert connected["readable_state"] == "Connected"
        label_studio.ask(
            "POST",
            f"/api/dm/actions?id=retrieve_tasks_predictions&project={number}",
            {"selectedItems": {"all": True, "excluded": []}},
        )

    tasks = label_studio.ask("GET", f"/api/tasks?project={number}&fields=all")["tasks"]
    brushes = []
    for task, image in zip(sorted(tasks, key=lambda task: task["id"]), images, strict=True):
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == connected["model_version"]
        assert_they_are_what_was_found(prediction["result"], image, demo)
        brushes += [each for each in prediction["result"] if each["type"] == "brushlabels"]
    assert len(brushes) > 2
    hold_against_the_sdk(brushes)


def hold_against_the_sdk(brushes: list[dict[str, Any]]) -> None:
    masks = [brush["value"]["rle"] for brush in brushes]
    done = subprocess.run(
        [PROGRAMS / "python", "-c", SDK_DECODES],
        input=json.dumps(masks),
        capture_output=True,
        text=True,
        check=True,
    )
    sizes = [(brush["original_height"], brush["original_width"]) for brush in brushes]
    assert done.stdout.split() == [
        hashlib.sha256(decoded(mask, *size).tobytes()).hexdigest()
        for mask, size in zip(masks, sizes, strict=True)
    ]


def multipart(name: str, content: bytes) -> tuple[bytes, str]:
    """A form with a file, and its content type."""
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
