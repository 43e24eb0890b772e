"""Markdown extension for the site: links to files that are no pages lead into the clone.

A page `docs/x.md` becomes `build/site/x.html`, one folder deeper: `../perf/x.py` in it has to
become `../../perf/x.py`. Zensical makes `.html` of every relative link to `.md`, be it a page or
not, so that links out of `docs/` are put aside before that.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

ASIDE = "data-repository"


class PutAside(Treeprocessor):
    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            if link.get("href", "").startswith("../"):
                link.set(ASIDE, link.attrib.pop("href"))


class PutBack(Treeprocessor):
    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            if ASIDE in link.attrib:
                link.set("href", f"../{link.attrib.pop(ASIDE)}")


class RepositoryLinks(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        # Links are there after `inline` (20); Zensical's own processor has 0.
        md.treeprocessors.register(PutAside(md), "repository_links_aside", 15)
        md.treeprocessors.register(PutBack(md), "repository_links_back", -1)


def makeExtension() -> RepositoryLinks:
    return RepositoryLinks()
