from __future__ import annotations

from pathlib import Path

from client.charts.document import document


def test_a_page_may_load_and_run_nothing(tmp_path: Path) -> None:
    style = tmp_path / "style.css"
    style.write_text(".own { color: red; }")

    page = document("A <title>", "<p>body</p>", style)

    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert "<title>A &lt;title&gt;</title>" in page
    assert ".own { color: red; }" in page
    assert "prefers-color-scheme: dark" in page
    assert page.endswith("<body><p>body</p>\n</body></html>\n")
