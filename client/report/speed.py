"""Latency and throughput in the course of the evaluation."""

from __future__ import annotations

from client.analysis.pace import LONGEST_PAUSE_S
from client.charts import format
from client.charts.bars import legend
from client.charts.curve import Line, Point, line_chart
from client.latency import Latency
from client.report.findings import Findings
from client.report.words import counted


def speed(findings: Findings) -> str:
    found = findings.pace
    heading = "<h2>Latency and throughput</h2>"
    if found is None:
        return f'{heading}<p class="note">The results do not say when the answers came.</p>'
    latency = Latency.of([timing.latency_ms for timing in findings.evaluation.timings])
    latencies = [
        Line(name, style, [Point(s.middle_s, getattr(s, field)) for s in found.spans])
        for name, style, field in (("p50", "iou-50", "p50_ms"), ("p95", "iou-75", "p95_ms"))
    ]
    throughput = Line(
        "pictures/s", "iou-mean", [Point(span.middle_s, span.per_second) for span in found.spans]
    )
    pauses = (
        f" {counted(found.pauses, 'pause')} of more than {LONGEST_PAUSE_S:.0f} s between answers, "
        "as where a run was broken off and resumed, are left out."
        if found.pauses
        else ""
    )
    return (
        f'{heading}<p class="note">Of {counted(found.answers, "request")}, as the client saw '
        f"them: {format.rate(found.answers / found.seconds)} pictures/s; latency p50 "
        f"{format.milliseconds(latency.p50)} ms, p95 {format.milliseconds(latency.p95)} ms, p99 "
        f"{format.milliseconds(latency.p99)} ms.{pauses}</p>"
        '<div class="columns charts"><div>'
        f"{line_chart(latencies, 'seconds', 'latency, ms')}"
        f"{legend([('iou-50', 'p50 latency'), ('iou-75', 'p95 latency')])}</div>"
        f"<div>{line_chart([throughput], 'seconds', 'pictures per second')}</div></div>"
    )
