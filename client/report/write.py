"""Writing the page."""

from __future__ import annotations

from pathlib import Path

from artifact.whole_file import whole_file
from client.errors import ClientError
from client.report.comparison import Comparison
from client.report.evaluation import Evaluation
from client.report.findings import Findings
from client.report.page import page


def write_report(path: Path, evaluation: Evaluation, compared: Evaluation | None = None) -> None:
    """Write the page about an evaluation in one step.

    Args:
        path: its folder is made where it is missing.
        compared: another evaluation of the same pictures, to tell the differences.

    Raises:
        ClientError: the file cannot be written.
    """
    findings = Findings(evaluation)
    other = None if compared is None else Comparison(before=Findings(compared), after=findings)
    content = page(findings, other)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            # Names may have characters that no encoding has.
            unfinished.write_text(content, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error.strerror}") from error
