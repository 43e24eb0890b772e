"""The report of an evaluation in a real browser that has no network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

from client.report.evaluation import read_compared, read_evaluation
from client.report.write import write_report

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: sudo apt-get install --no-install-recommends chromium"
)


@pytest.fixture(scope="module")
def page(c4: Path, fpn: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("page") / "report.html"
    evaluation = read_evaluation(fpn)
    write_report(file, evaluation, read_compared(c4, evaluation.dataset, evaluation.images))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(offline=True)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        yield page
        browser.close()
    assert not said
    assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}


def names_from_above(table: Locator) -> list[str]:
    cells = table.locator("[role=row]:not(.head) > :first-child").all()
    return [cell.inner_text() for cell in sorted(cells, key=lambda cell: cell.bounding_box()["y"])]  # type: ignore[index]


def test_a_click_on_a_column_sorts_the_table(page: Page) -> None:
    table = page.locator(".sortable").last
    by_precision = names_from_above(table)
    assert by_precision[0] == "cross"
    assert by_precision[-1] == "crescent"

    table.get_by_text("category", exact=True).click()

    assert names_from_above(table) == sorted(by_precision)
    assert names_from_above(page.locator(".sortable").first) != sorted(by_precision)


def test_every_picture_is_shown_and_more_after_a_click(page: Page) -> None:
    broken = page.evaluate(
        """async () => {
          const urls = [...document.querySelectorAll("image")].map((each) => each.href.baseVal);
          const pictures = urls.map((url) => Object.assign(new Image(), { src: url }));
          await Promise.all(pictures.map((each) => each.decode()));
          return pictures.filter((each) => !each.naturalWidth).length;
        }"""
    )
    assert broken == 0
    more = page.locator("details", has_text="6 more").first
    assert not more.locator("figure").first.is_visible()
    more.locator("summary").click()
    assert more.locator("figure").first.is_visible()


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_dark_where_the_screen_is(page: Page) -> None:
    backgrounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        backgrounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == ["rgb(255, 255, 255)", "rgb(20, 25, 31)"]
