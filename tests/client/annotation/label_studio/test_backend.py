"""What Label Studio asks the backend, with a real tritonserver behind it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from server.launch import TritonServer
from tests.client.annotation.label_studio.conftest import ROOT, Backend, Files, backend, files
from tests.client.annotation.label_studio.expected import CONFIG, assert_they_are_what_was_found
from tests.client.conftest import Demo

KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def label_studio(demo: Demo) -> Iterator[Files]:
    with files(demo.images) as served:
        yield served


@pytest.fixture(scope="module")
def elsewhere(demo: Demo) -> Iterator[Files]:
    with files(demo.images) as served:
        yield served


@pytest.fixture(scope="module")
def annotator(
    recorded_server: TritonServer,
    label_studio: Files,
    elsewhere: Files,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Backend]:
    options = ["--url", recorded_server.grpc_url, "--label-studio", label_studio.url]
    allowed = ["--pictures-from", elsewhere.url]
    with backend(tmp_path_factory.mktemp("backend"), *options, *allowed, api_key=KEY) as running:
        yield running


def test_a_model_is_set_up(annotator: Backend) -> None:
    assert annotator.ask("/health")[0] == 200
    status, _, content = annotator.ask("/setup", {"project": "1.2", "schema": CONFIG})
    assert status == 200
    assert annotator.ask("/versions")[2] == {"versions": [content["model_version"]]}
    # Label Studio tells of every change in a project.
    assert annotator.ask("/webhook", {"action": "ANNOTATION_CREATED"})[0] == 200


def test_regions_are_what_was_found(annotator: Backend, demo: Demo) -> None:
    images = demo.content["images"][:8]
    status, _, content = annotator.predict(*(f"/data/{image['file_name']}" for image in images))
    assert status == 200
    masks = 0
    for image, (prediction,) in zip(images, content["results"], strict=True):
        masks += assert_they_are_what_was_found(prediction["result"], image, demo)
        scores = [region["score"] for region in prediction["result"]]
        assert prediction["score"] == pytest.approx(np.mean(scores) if scores else 0)
    assert masks > 2


def test_names_without_a_label_are_told_once(annotator: Backend, demo: Demo) -> None:
    for _ in range(2):
        annotator.predict(f"/data/{demo.content['images'][0]['file_name']}")
    told = annotator.log.read_text()
    assert told.count('<RectangleLabels name="box"> has no label for 5 of the model\'s names') == 1


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("<View><", "the labeling configuration is not XML"),
        ("<View><Choices name='c' toName='i'/></View>", "has none of <RectangleLabels>, <Brush"),
        (CONFIG.replace("$picture", "picture"), "has the value 'picture'"),
        (CONFIG.replace("Circle", "a").replace("square", "b").replace("tr", "").replace("st", ""),
         "is a class of the model mask_rcnn, which has: circle, crescent"),
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_is_refused_in_the_status_line(
    annotator: Backend, config: str, sentence: str
) -> None:
    status, reason, content = annotator.ask("/setup", {"schema": config})
    assert status == 400
    assert sentence in reason
    assert content == {"error": reason}


def test_label_studio_alone_gets_the_key(
    annotator: Backend, label_studio: Files, elsewhere: Files, demo: Demo
) -> None:
    name = demo.content["images"][1]["file_name"]
    addresses = [f"{place}/data/{name}" for place in ("", label_studio.url, elsewhere.url)]
    inline = base64.b64encode((demo.images / name).read_bytes()).decode()
    status, _, content = annotator.predict(*addresses, f"data:image/jpeg;base64,{inline}")
    assert status == 200
    assert content["results"].count(content["results"][0]) == 4
    assert label_studio.asked[-2:] == [(f"/data/{name}", f"Token {KEY}")] * 2
    assert elsewhere.asked[-1] == (f"/data/{name}", None)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://127.0.0.1:1/a.jpg", "is at http://127.0.0.1:1, which is not asked for pictures"),
        ("/api/users", "is no file on Label Studio"),
        ("/data/../api/users", "is no file on Label Studio"),
        ("/data/%2e%2e/api/users", "is no file on Label Studio"),
        ("//127.0.0.1:1/data/a.jpg", "which is not asked for pictures"),
        ("http://user@{host}/data/a.jpg", "has a user's name in it"),
        ("file:///etc/passwd", "file:// is not read"),
        ("s3://bucket/a.jpg", "s3:// is not read"),
        ("http://[", "is no address"),
        ("/data/none.jpg", "answers with status 404"),
        ("/data/elsewhere", "which is not followed"),
        ("/data/large", "has more than 64 MB"),
        ("data:image/png,abc", "is not data:image/...;base64,"),
        ("data:image/png;base64,aGVsbG8=", "not a picture in"),
        ("data:image/png;base64,a", "is not base64"),
        ("", "has no address of a picture under 'picture'"),
    ],
)
def test_other_addresses_are_refused_with_a_sentence(
    annotator: Backend, label_studio: Files, address: str, sentence: str
) -> None:
    asked = len(label_studio.asked)
    address = address.format(host=label_studio.url.removeprefix("http://"))
    status, reason, content = annotator.predict(address)
    assert (status, content["error"]) == (400, reason)
    assert reason.startswith("task 1: ")
    assert sentence in reason
    paths = {path for path, _ in label_studio.asked[asked:]}
    assert paths <= {"/data/none.jpg", "/data/elsewhere", "/data/large"}


def test_a_task_that_fails_leaves_the_others_alone(annotator: Backend, demo: Demo) -> None:
    good = f"/data/{demo.content['images'][2]['file_name']}"
    status, _, content = annotator.predict(good, "/data/none.jpg", good)
    assert status == 200
    assert [len(predictions) for predictions in content["results"]] == [1, 0, 1]
    assert "task 2: " in annotator.log.read_text()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"label_config": 1}',
        b'{"label_config": "\\ud800"}',
        json.dumps({"label_config": CONFIG}).encode(),
        json.dumps({"label_config": CONFIG, "tasks": [1]}).encode(),
        json.dumps({"label_config": CONFIG, "tasks": [{"id": "\ud800\r\n"}]}).encode(),
        json.dumps({"label_config": CONFIG, "tasks": [{"id": 1, "data": "a"}]}).encode(),
        json.dumps(
            {"label_config": CONFIG, "tasks": [{"id": 1, "data": {"picture": "\0\ud800\n"}}]}
        ).encode(),
        json.dumps({"label_config": "<View><Image name='&#10;' value=''/></View>"}).encode(),
    ],
)
def test_what_is_no_request_is_refused(annotator: Backend, body: bytes) -> None:
    asked = urllib.request.Request(
        annotator.url + "/predict", body, {"Content-Type": "application/json"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked)
    assert refused.value.code == 400
    assert json.load(refused.value)["error"] == refused.value.reason
    assert "Traceback" not in annotator.log.read_text()


def test_a_page_in_a_browser_cannot_ask(annotator: Backend) -> None:
    headers = {"Content-Type": "application/json", "Origin": annotator.url}
    asked = urllib.request.Request(annotator.url + "/predict", b"{}", headers)
    with pytest.raises(urllib.error.HTTPError, match="a page in a browser may not ask"):
        urllib.request.urlopen(asked)


def test_a_personal_access_token_is_exchanged(
    recorded_server: TritonServer, label_studio: Files, demo: Demo, tmp_path: Path
) -> None:
    options = ["--url", recorded_server.grpc_url, "--label-studio", label_studio.url]
    address = f"/data/{demo.content['images'][0]['file_name']}"
    with backend(tmp_path, *options, api_key="a.personal.token") as running:
        assert running.predict(address)[0] == 200
    assert label_studio.asked[-2:] == [("/api/token/refresh", None), (address, "Bearer fresh")]


def test_without_a_key_it_says_which_is_wanted(
    boxes_only_server: TritonServer, label_studio: Files, tmp_path: Path
) -> None:
    options = ["--url", boxes_only_server.grpc_url, "--label-studio", label_studio.url]
    with backend(tmp_path, *options) as running:
        assert "set LABEL_STUDIO_API_KEY" in running.predict("/data/a.jpg")[1]
        masks_alone = CONFIG.replace("RectangleLabels", "EllipseLabels")
        _, reason, _ = running.ask("/setup", {"schema": masks_alone})
        assert "has none of <RectangleLabels> for an <Image>" in reason


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "{port}"], "cannot listen on 127.0.0.1:{port}: Address already in use"),
        (["--label-studio", "localhost:8080"], "--label-studio is 'localhost:8080': give http://"),
        (["--pictures-from", "ftp://a"], "--pictures-from is 'ftp://a': give http://"),
    ],
)
def test_options_that_cannot_be_are_an_error(
    recorded_server: TritonServer, label_studio: Files, options: list[str], sentence: str
) -> None:
    port = label_studio.url.rpartition(":")[2]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "client", "label-studio", "--url", recorded_server.grpc_url),
            *(option.format(port=port) for option in options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: " + sentence.format(port=port))
    assert "Traceback" not in done.stderr
