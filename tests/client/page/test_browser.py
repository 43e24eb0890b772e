"""The page in a real browser."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright
from pycocotools import mask as coco_mask

from tests.client.page.conftest import PICTURES, ServedPage

CHROMIUM = shutil.which("chromium")
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
COUNT_ADDRESSES = """
window.addresses = new Set();
const [create, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
URL.createObjectURL = (blob) => {
  const address = create(blob);
  addresses.add(address);
  return address;
};
URL.revokeObjectURL = (address) => { addresses.delete(address); revoke(address); };
"""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: sudo apt-get install --no-install-recommends chromium"
)


@pytest.fixture(scope="module")
def page(served_page: ServedPage) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *FAKE_CAMERA]
        )
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(COUNT_ADDRESSES)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(served_page.url)
        page.wait_for_selector("#strip button")
        yield page
        browser.close()
    assert not faults
    assert not [url for url in asked if not url.startswith((served_page.url, "blob:"))]


def test_an_upload_is_seen_with_what_was_found_and_where_the_time_went(page: Page) -> None:
    _upload(page, PICTURES[0].read_bytes())
    _wait_for(page, "found")
    assert page.locator("#list li").count() > 0
    assert _painted(page) > 0
    for step in ("preprocess", "network", "postprocess", "transport"):
        assert step in page.inner_text("#times")


def test_slider_classes_hover_and_downloads_ask_for_nothing(page: Page) -> None:
    answer = _give_example(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    scores = [result["score"] for result in answer["results"]]
    for threshold in (0, 0.9):
        page.locator("#threshold").fill(str(threshold))
        kept = sum(score >= threshold for score in scores)
        assert page.locator("#list li").count() == kept
        assert page.inner_text("#shown") == f"{kept} of {len(scores)} shown"
    assert 0 < kept < len(scores)

    x, y, width, height = answer["results"][0]["bbox"]
    canvas = page.locator("#picture canvas")
    scale = _on_screen(page)["width"] / answer["width"]
    canvas.hover(position={"x": (x + width / 2) * scale, "y": (y + height / 2) * scale})
    assert page.locator("#list li.highlighted").count() == 1
    assert page.inner_text("#tip").endswith(page.inner_text("#list li.highlighted small"))

    assert json.loads(_download(page, "#coco")) == answer["results"][:kept]
    picture = Image.open(io.BytesIO(_download(page, "#png")))
    assert (picture.format, picture.size) == ("PNG", (answer["width"], answer["height"]))

    for box in page.locator("#classes input").all():
        box.uncheck()
    assert page.locator("#list li").count() == _painted(page) == 0
    page.click("#all")
    assert page.locator("#list li").count() == kept
    assert not [url for url in requests if not url.startswith("blob:")]


def test_masks_are_those_of_pycocotools(page: Page) -> None:
    answer = _give_example(page)
    segmentations = [result["segmentation"] for result in answer["results"]]
    ring = np.ones((7, 5), np.uint8)
    ring[1:-1, 1:-1] = 0
    for mask in (ring, 1 - ring, np.ones((4, 3)), np.zeros((4, 3)), np.eye(6)):
        rle = coco_mask.encode(np.asfortranarray(mask, np.uint8))
        segmentations.append({"size": rle["size"], "counts": rle["counts"].decode()})
    parts = page.evaluate(
        """async (all) => {
          const { decode } = await import("/rle.js");
          return all.map((each) => decode(each, 1))
            .map((part) => part && { ...part, pixels: [...part.pixels] });
        }""",
        segmentations,
    )
    for part, segmentation in zip(parts, segmentations, strict=True):
        mask = np.zeros(segmentation["size"], np.uint8)
        if part is not None:
            pixels = np.reshape(part["pixels"], (part["height"], part["width"]))
            mask[part["y"] :, part["x"] :][: part["height"], : part["width"]] = pixels
        np.testing.assert_array_equal(mask, coco_mask.decode(segmentation))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no picture", "This picture cannot be used: not a picture in"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture in"),
        (b"", "This picture cannot be used: the file is empty."),
        (PICTURES[0].read_bytes()[:2000], "No answer: "),
    ],
    ids=["text", "svg", "empty", "cut off"],
)
def test_what_is_no_picture_gets_a_sentence(page: Page, content: bytes, sentence: str) -> None:
    _give_example(page)
    _upload(page, content)
    _wait_for(page, "fault")
    assert sentence in page.inner_text("#fault")
    assert not page.is_visible("#picture")


def test_a_picture_comes_by_paste_drop_and_camera(page: Page) -> None:
    content = list(PICTURES[1].read_bytes())
    for kind in ("paste", "drop"):
        page.evaluate(
            """([kind, content]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(content)], `${kind}.jpg`));
              const event = kind === "paste"
                ? new ClipboardEvent(kind, { clipboardData: data })
                : new DragEvent(kind, { dataTransfer: data });
              document.dispatchEvent(event);
            }""",
            [kind, content],
        )
        _wait_for(page, "found")
        assert page.get_attribute("#strip button", "title") == f"{kind}.jpg"
    page.click("#camera")
    page.wait_for_selector("video")
    page.locator("video").evaluate(
        "(video) => video.videoWidth || new Promise("
        "(ready) => video.addEventListener('loadeddata', ready, { once: true }))"
    )
    page.click("#take")
    page.wait_for_selector("#strip button[title='camera.jpg']")
    _wait_for(page, "found")


def test_what_browsers_cannot_show_is_shown(page: Page) -> None:
    _upload(page, _encoded(Image.open(PICTURES[2]), "TIFF"))
    _wait_for(page, "found")
    assert page.locator("#picture img").evaluate("(image) => image.naturalWidth") == (
        Image.open(PICTURES[2]).width
    )


def test_names_of_a_model_stay_text(page: Page) -> None:
    name = "<img src=x onerror=alert(1)>"

    def rename(route: Route) -> None:
        answer = route.fetch().json()
        for its in answer["classes"].values():
            its["name"] = name
        route.fulfill(json=answer)

    page.route("**/detect/*", rename)
    _upload(page, PICTURES[3].read_bytes())
    _wait_for(page, "found")
    page.unroute("**/detect/*")
    assert page.locator("#list span").first.text_content() == name
    assert name in page.inner_text("#classes")
    assert page.locator("aside img").count() == 0


def test_no_more_pictures_are_kept_than_is_said(page: Page) -> None:
    before = page.evaluate("addresses.size")
    content = PICTURES[4].read_bytes()
    page.set_input_files("#files", [_file(content, f"{number}.jpg") for number in range(70)])
    _wait_for(page, "found")
    assert page.locator("#strip button[title$='.jpg']:has(img[src^=blob])").count() == 50
    # One more for the picture on the stage, and for each example that was chosen.
    assert page.evaluate("addresses.size") <= max(before, 51) + len(PICTURES)


def _give_example(page: Page) -> dict[str, Any]:
    """The answer for the second example, which is asked for anew."""
    page.reload()
    page.wait_for_selector("#strip button")
    with page.expect_response("**/detect/*") as response:
        page.locator("#strip button").nth(1).click()
    _wait_for(page, "found")
    return response.value.json()


def _upload(page: Page, content: bytes) -> None:
    page.set_input_files("#files", _file(content, "picture.jpg"))


def _file(content: bytes, name: str) -> Any:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def _wait_for(page: Page, state: str) -> None:
    page.wait_for_selector(f"[data-state={state}][aria-busy=false]")


def _on_screen(page: Page) -> Any:
    return page.locator("#picture canvas").bounding_box()


def _painted(page: Page) -> int:
    """Pixels of what is drawn over the picture."""
    return page.locator("#picture canvas").evaluate(
        """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
          .data.reduce((count, value, at) => count + (at % 4 === 3 && value > 0), 0)"""
    )


def _download(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.click(button)
    return download.value.path().read_bytes()


def _encoded(picture: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, format)
    return file.getvalue()
