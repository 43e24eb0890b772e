"""A page that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("style.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a browser lets the page do, whatever has found its way into it."""


def document(title: str, body: str, style: Path) -> str:
    """One HTML page, for a light and a dark screen and for paper.

    Args:
        title: of the window.
        body: HTML.
        style: a style sheet beside the one that all pages have.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{STYLE.read_text()}{style.read_text()}</style>"
        f"</head>\n<body>{body}\n</body></html>\n"
    )
