"""The whole page."""

from __future__ import annotations

from html import escape
from pathlib import Path

from client.charts.document import document
from client.report.categories import categories
from client.report.comparison import Comparison, comparison, finding
from client.report.confusions import confusions
from client.report.curves import curves
from client.report.findings import Findings
from client.report.overview import overview, warnings
from client.report.precision import precision
from client.report.scores import scores
from client.report.setting import setting
from client.report.speed import speed
from client.report.worst import worst

STYLE = Path(__file__).with_name("style.css")
SECTIONS = (precision, worst, categories, curves, confusions, scores, speed, setting)


def page(findings: Findings, compared: Comparison | None = None) -> str:
    """One HTML page that needs nothing else: no script, no other file.

    Args:
        findings: of the evaluation.
        compared: it and the one that it is compared with; None for none.
    """
    evaluation = findings.evaluation
    title = f"Evaluation of {evaluation.model_name}"
    when = str(evaluation.summary.get("finished_at", ""))[:16].replace("T", " ")
    kicker = " · ".join(filter(None, [title, evaluation.name, when and f"{when} UTC"]))
    parts = [
        f'<p class="kicker">{escape(kicker)}</p>',
        overview(findings) if compared is None else finding(compared),
        warnings(findings),
        "" if compared is None else comparison(compared),
        *(section(findings) for section in SECTIONS),
    ]
    return document(title, "\n".join(parts), STYLE)
