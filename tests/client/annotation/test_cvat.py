"""CVAT's own command line and SDK, with what stands for its server: that needs containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from client import rle
from client.distribution import PACKAGE, write_package
from server.launch import TritonServer
from tests.client.conftest import Demo
from tests.http_server import run_http_server

ROOT = Path(__file__).parents[3]
CVAT = ROOT / ".venv" / "cvat"

TASK = 17
NAMES = ["circle", "square", "triangle"]
"""The labels of the task; the ids are those of their places, from 100 on."""
PICTURES = 3

pytestmark = pytest.mark.skipif(
    not CVAT.is_dir(), reason="`make test` installs CVAT's SDK into .venv/cvat"
)


@dataclass
class Server:
    """Answers what `cvat-cli task auto-annotate` asks."""

    url: str
    label_type: str = "any"
    uploaded: list[dict[str, Any]] = field(default_factory=list)
    """The shapes that came."""


@pytest.fixture
def cvat(demo: Demo) -> Iterator[Server]:
    images = demo.content["images"][:PICTURES]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].rstrip("/")
            if path == f"/api/tasks/{TASK}/data":
                chunk = BytesIO()
                with zipfile.ZipFile(chunk, "w") as content:
                    for number, image in enumerate(images):
                        content.write(demo.images / image["file_name"], f"{number:06}.jpeg")
                self.answer(chunk.getvalue(), "application/zip")
                return
            answers = {
                "/api/server/about": {
                    **{name: "" for name in ("description", "logo_url", "name", "subtitle")},
                    "version": "2.80.0",
                },
                f"/api/tasks/{TASK}": {
                    **{"id": TASK, "name": "shapes", "size": PICTURES, "labels": {}},
                    "jobs": {"completed": 0, "validation": 0},
                    **{"data_chunk_size": 10, "data_original_chunk_type": "imageset"},
                    "updated_date": "2026-01-01T00:00:00Z",
                    "organization": None,
                },
                "/api/labels": {
                    **{"count": len(NAMES), "next": None, "previous": None},
                    "results": [
                        {
                            **{"id": 100 + number, "name": name, "type": stand_in.label_type},
                            **{"attributes": [], "sublabels": []},
                        }
                        for number, name in enumerate(NAMES)
                    ],
                },
                f"/api/tasks/{TASK}/data/meta": {
                    "chunks_updated_date": "2026-01-01T00:00:00Z",
                    "deleted_frames": [],
                    "frames": [
                        {
                            **{name: image[name] for name in ("width", "height")},
                            **{"name": image["file_name"], "related_files": 0},
                        }
                        for image in images
                    ],
                },
            }
            self.answer(json.dumps(answers[path]).encode(), "application/json")

        def do_PATCH(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stand_in.uploaded += content["shapes"]
            self.answer(json.dumps({"version": 1}).encode(), "application/json")

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with run_http_server(Handler) as server:
        stand_in = Server(f"http://127.0.0.1:{server.server_port}")
        yield stand_in


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client alone, as its wheel has it."""
    folder = tmp_path_factory.mktemp("packages")
    write_package(ROOT, folder / PACKAGE)
    return folder


def annotate(
    cvat: Server, packages: Path, folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """Run the command of docs/cvat.md."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "cvat_cli", "--server-host", cvat.url),
            *("task", "auto-annotate", str(TASK)),
            *("--function-module", f"{PACKAGE}.annotation.cvat", *options),
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{CVAT}:{packages}",
            "CVAT_ACCESS_TOKEN": "token",
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def found_by_detectron2(demo: Demo, threshold: float) -> list[tuple[int, int, dict[str, Any]]]:
    """Frame, the task's label id and result of each object that the task has a label for."""
    names = {category["id"]: category["name"] for category in demo.content["categories"]}
    return [
        (frame, 100 + NAMES.index(names[result["category_id"]]), result)
        for frame, image in enumerate(demo.content["images"][:PICTURES])
        for result in demo.results
        if result["image_id"] == image["id"]
        and result["score"] >= threshold
        and names[result["category_id"]] in NAMES
    ]


def decoded(points: list[float], height: int, width: int) -> npt.NDArray[np.bool_]:
    """CVAT's run lengths along the rows of a rectangle, whose first and last pixels come last."""
    *runs, left, top, right, bottom = map(int, points)
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    mask = np.zeros((height, width), np.bool_)
    mask[top : bottom + 1, left : right + 1] = inside.reshape(bottom - top + 1, -1)
    return mask


def test_a_task_gets_masks(
    cvat: Server, packages: Path, demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    server = ["-p", f"url=str:{demo_server.grpc_url}"]
    done = annotate(cvat, packages, tmp_path, *server, "--allow-unmatched-labels")
    assert done.returncode == 0, done.stderr
    expected = found_by_detectron2(demo, 0.5)
    for shape, (frame, label, result) in zip(cvat.uploaded, expected, strict=True):
        assert (shape["type"], shape["frame"], shape["label_id"]) == ("mask", frame, label)
        assert (shape["source"], shape["score"]) == (
            "auto",
            pytest.approx(result["score"], abs=1e-3),
        )
        height, width = result["segmentation"]["size"]
        mask = rle.decode(result["segmentation"]["counts"].encode(), height, width)
        assert np.count_nonzero(decoded(shape["points"], height, width) != mask) < 0.01 * mask.sum()


def test_a_task_gets_boxes_above_a_threshold(
    cvat: Server, packages: Path, demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    cvat.label_type = "rectangle"
    server = ["-p", f"url=str:{demo_server.http_url}", "-p", "protocol=str:http"]
    boxes = ["-p", "boxes=bool:true", "--conf-threshold", "0.9", "--conv-mask-to-poly"]
    done = annotate(cvat, packages, tmp_path, *server, *boxes, "--allow-unmatched-labels")
    assert done.returncode == 0, done.stderr
    expected = found_by_detectron2(demo, 0.9)
    assert 0 < len(expected) < len(found_by_detectron2(demo, 0.5))
    for shape, (frame, label, result) in zip(cvat.uploaded, expected, strict=True):
        assert (shape["type"], shape["frame"], shape["label_id"]) == ("rectangle", frame, label)
        x, y, width, height = result["bbox"]
        assert shape["points"] == pytest.approx([x, y, x + width, y + height], abs=0.1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-p", "url=str:127.0.0.1:1"], "Serve the model with `python -m server"),
        (["-p", "model=str:birds"], "birds"),
        (["--conv-mask-to-poly"], "leave out --conv-mask-to-poly"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    cvat: Server,
    packages: Path,
    demo_server: TritonServer,
    tmp_path: Path,
    options: list[str],
    sentence: str,
) -> None:
    server = ["-p", f"url=str:{demo_server.grpc_url}", "--allow-unmatched-labels"]
    done = annotate(cvat, packages, tmp_path, *server, *options)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert cvat.uploaded == []
