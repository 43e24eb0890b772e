"""The whole page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from client.charts.document import document
from perf.report.comparison import comparison
from perf.report.figures import LabelledRun
from perf.report.loads import loads
from perf.report.models import batches, times
from perf.report.overview import overview
from perf.report.setting import setting

STYLE = Path(__file__).with_name("style.css")


def page(runs: Sequence[LabelledRun]) -> str:
    """One HTML page that needs nothing else: no script, no other file.

    Args:
        runs: at least one, each with at least one level.
    """
    models = ", ".join(sorted({each.run.scenario.model for each in runs}))
    title = f"Performance of {models}, served"
    starts = sorted({each.run.started_at[:16].replace("T", " ") for each in runs})
    when = " to ".join([starts[0], *starts[1:][-1:]]) + " UTC"
    sections = (overview, comparison, loads, times, batches, setting)
    body = "\n".join(section(runs) for section in sections)
    kicker = f'<p class="kicker">{escape(title)} · {escape(when)}</p>'
    return document(title, f"{kicker}\n{body}", STYLE)
