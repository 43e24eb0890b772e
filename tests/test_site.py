"""The site that Zensical makes of docs/: its links lead somewhere, and it fetches nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
ZENSICAL = Path(sys.prefix) / "site"


class Page(HTMLParser):
    """What a page links to, what it has the browser fetch, and its anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link":
            self.fetched.append(values["href"])
        elif "src" in values:
            self.fetched.append(values["src"])


def build(project: Path, **pages: str) -> Path:
    """The site of docs/ with these pages beside; it lies in a project folder of its own."""
    if not ZENSICAL.is_dir():
        pytest.skip("needs Zensical: make .venv/site/.complete")
    shutil.copytree(ROOT / "docs", project / "docs")
    for name, text in pages.items():
        (project / "docs" / f"{name}.md").write_text(text)
    shutil.copy(ROOT / "zensical.toml", project)
    run = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{ZENSICAL}:{project / 'docs/site'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return project / "build/site"


def pages_of(site: Path) -> dict[Path, Page]:
    """All but 404.html, whose addresses are those of a server's root."""
    return {file: Page(file) for file in site.glob("*.html") if file.name != "404.html"}


def broken_links(site: Path) -> list[str]:
    """Each as `page: link`; links out of the site have to lead to files of the repository."""
    pages = pages_of(site)
    project = site.parents[1]
    broken = []
    for file, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme in ("http", "https"):
                continue
            target = Path(os.path.normpath(file.parent / unquote(url.path))) if url.path else file
            if target in pages:
                there = not url.fragment or url.fragment in pages[target].ids
            elif target.is_relative_to(site):
                there = target.is_file()
            else:
                there = (ROOT / target.relative_to(project)).exists()
            if not there:
                broken.append(f"{file.name}: {link}")
    return broken


def fetched_from_elsewhere(site: Path) -> list[str]:
    """What a page or a style sheet has the browser fetch that is no file of the site."""
    fetched = [(file, url) for file, page in pages_of(site).items() for url in page.fetched]
    for sheet in site.rglob("*.css"):
        urls = re.findall(r"""(?:url\(|@import )["']?([^"')]+)""", sheet.read_text())
        fetched += [(sheet, url) for url in urls if not url.startswith("data:")]
    return [
        f"{file.name}: {url}" for file, url in fetched if not (file.parent / unquote(url)).is_file()
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


def test_every_link_leads_somewhere(site: Path) -> None:
    assert broken_links(site) == []


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    assert fetched_from_elsewhere(site) == []


def test_the_generators_own_files_stay_out(site: Path) -> None:
    assert {file.name for file in (site / "site").iterdir()} == {"iframe-worker.js", "wide.css"}


def test_broken_links_and_foreign_pictures_are_found(tmp_path: Path) -> None:
    page = (
        "# Extra\n\n[page](gone.md) [anchor](security.md#gone) [file](../perf/gone.py)\n"
        "[own](#gone) [good](security.md#tls) [good too](../README.md)\n"
        "![picture](https://example.com/picture.png)\n"
    )
    site = build(tmp_path, extra=page)
    assert broken_links(site) == [
        "extra.html: gone.html",
        "extra.html: security.html#gone",
        "extra.html: ../../perf/gone.py",
        "extra.html: #gone",
    ]
    assert fetched_from_elsewhere(site) == ["extra.html: https://example.com/picture.png"]


def test_the_navigation_has_every_page_once() -> None:
    navigation = re.findall(r'= "([\w-]+\.md)"', (ROOT / "zensical.toml").read_text())
    assert sorted(navigation) == sorted(file.name for file in (ROOT / "docs").glob("*.md"))
