"""What the page's server does for those who ask it without its page."""

from __future__ import annotations

import http.client
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from client.page.upload import MOST_BYTES
from tests.client.page.conftest import PICTURES, ROOT, ServedPage

PICTURE = PICTURES[0].read_bytes()
DETECT = "/detect/mask_rcnn"


def test_a_picture_is_answered_with_coco_results_and_times(served_page: ServedPage) -> None:
    status, answer = _post(served_page, DETECT, PICTURE)
    assert status == 200
    assert (answer["width"], answer["height"]) == Image.open(PICTURES[0]).size
    for result in answer["results"]:
        assert result["segmentation"]["size"] == [answer["height"], answer["width"]]
        assert answer["classes"][str(result["category_id"])]["name"]
    assert set(answer["timings"]["steps"]) == {"preprocess", "network", "postprocess"}
    assert answer["timings"]["requests"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://example.org"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_other_sites_may_not_ask(served_page: ServedPage, headers: dict[str, str]) -> None:
    for path in (DETECT, "/shown"):
        status, answer = _post(served_page, path, PICTURE, headers)
        assert (status, answer["error"]) == (403, "Another site's page asked, which may not.")


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy"}, {"Origin": "own"}]
)
def test_the_page_itself_may_ask(served_page: ServedPage, headers: dict[str, str]) -> None:
    if headers["Origin"] == "own":
        headers = {"Origin": served_page.url}
    assert _post(served_page, DETECT, PICTURE, headers)[0] == 200


@pytest.mark.parametrize("name", ["example.org", "example.org:80", "127.0.0.1.example.org", ""])
def test_a_name_that_is_not_the_pages_is_refused(served_page: ServedPage, name: str) -> None:
    status, answer = _post(served_page, DETECT, PICTURE, {"Host": name})
    assert status == 403
    assert "give that name with --host" in answer["error"]


@pytest.mark.parametrize("name", ["localhost:1", "127.0.0.1", "[::1]:7860", "10.0.0.1"])
def test_addresses_and_localhost_are_its_names(served_page: ServedPage, name: str) -> None:
    assert _request(served_page, "GET", "/settings", headers={"Host": name})[0] == 200


@pytest.mark.parametrize(
    ("path", "content", "status", "sentence"),
    [
        (DETECT, b"no picture", 422, "not a picture in BMP"),
        (DETECT, b"", 422, "the file is empty"),
        (DETECT, bytes(MOST_BYTES + 1), 413, "more than the 32 MB that the page takes"),
        ("/shown", PICTURE[:2000], 422, "cannot decode it"),
        ("/detect/absent", PICTURE, 502, "does not serve the model absent"),
    ],
    ids=["text", "empty", "many bytes", "cut off", "no such model"],
)
def test_what_is_not_answered_gets_a_sentence(
    served_page: ServedPage, path: str, content: bytes, status: int, sentence: str
) -> None:
    given, answer = _post(served_page, path, content)
    assert given == status
    assert sentence in answer["error"]


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(served_page: ServedPage) -> None:
    file = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(file, "PNG")
    for path in (DETECT, "/shown"):
        status, answer = _post(served_page, path, file.getvalue())
        assert status == 422
        assert "10000 × 5001 pixels, the page takes 50 million" in answer["error"]


def test_browsers_are_told_to_load_and_run_nothing_else(served_page: ServedPage) -> None:
    for path in ("/", "/page.js", "/settings", "/examples/0", "/absent", "/examples/999"):
        _status, _body, headers = _request(served_page, "GET", path)
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_nothing_but_the_page_and_its_examples_is_read(served_page: ServedPage) -> None:
    for path in ("/../app.py", "/%2e%2e/app.py", "/examples/-1", "/examples/99", "/static/page.js"):
        assert _request(served_page, "GET", path)[0] == 404


@pytest.mark.long
def test_uploads_leave_nothing_behind(served_page: ServedPage) -> None:
    connection = http.client.HTTPConnection(served_page.url.removeprefix("http://"))
    contents = [picture.read_bytes() for picture in PICTURES[:20]]

    def held_after_uploads(rounds: int) -> tuple[int, int]:
        for content in contents * rounds:
            connection.request("POST", DETECT, content)
            response = connection.getresponse()
            response.read()
            assert response.status == 200
        process = Path("/proc", str(served_page.pid))
        resident_pages = int((process / "statm").read_text().split()[1])
        return resident_pages * resource.getpagesize(), len(os.listdir(process / "fd"))

    size, files = held_after_uploads(3)
    size_after, files_after = held_after_uploads(8)
    connection.close()
    assert files_after == files
    assert size_after - size < 4e6  # 25 kB of each upload, whose pictures have 29


@pytest.mark.parametrize(
    ("before", "arguments", "sentence"),
    [
        ("sys.modules['aiohttp'] = None", [], "pip install --editable .[client]"),
        ("", ["--url", "127.0.0.1:1"], "Serve the model with `python -m server"),
        ("", ["--examples", "docker"], "no pictures in docker"),
    ],
    ids=["no aiohttp", "no server", "no examples"],
)
def test_what_keeps_the_page_from_being_served_is_told(
    before: str, arguments: list[str], sentence: str
) -> None:
    program = (
        f"import sys\n{before}\nfrom client.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "page", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr


def test_a_port_that_is_taken_is_told(served_page: ServedPage) -> None:
    port = served_page.url.rpartition(":")[2]
    url = json.loads(_request(served_page, "GET", "/settings")[1])["servers"][0]
    done = subprocess.run(
        [sys.executable, "-m", "client", "page", "--url", url, "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "choose another --port" in done.stderr


def _post(
    page: ServedPage, path: str, content: bytes, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    status, body, _headers = _request(page, "POST", path, content, headers)
    return status, json.loads(body)


def _request(
    page: ServedPage,
    method: str,
    path: str,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(page.url.removeprefix("http://"))
    connection.request(method, path, content, headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, response.headers
