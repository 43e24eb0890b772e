"""The machine, the versions and the command lines behind the figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from client.charts import format
from client.charts.tables import definitions
from perf.report.figures import LabelledRun
from perf.result import Run


def setting(runs: Sequence[LabelledRun]) -> str:
    return "<h2>Setting</h2>" + "".join(_group(each) for each in _grouped(runs))


def _grouped(runs: Sequence[LabelledRun]) -> list[list[LabelledRun]]:
    """Runs of one machine and the same versions together."""
    groups: dict[str, list[LabelledRun]] = {}
    for each in runs:
        groups.setdefault(repr(_machine_rows(each.run)), []).append(each)
    return list(groups.values())


def _group(runs: Sequence[LabelledRun]) -> str:
    rows = _machine_rows(runs[0].run)
    return definitions(rows) + "".join(
        f"<details><summary>{escape(each.label)}, {escape(each.run.started_at)}</summary>"
        + definitions(_run_rows(each))
        + "</details>"
        for each in runs
    )


def _machine_rows(run: Run) -> dict[str, str]:
    machine = run.machine
    where = "" if run.server.started_here else "client's machine; the server may be on another: "
    return {
        "Processor": f"{where}{machine.cpu}, {machine.cores} cores",
        "Memory": f"{machine.memory_gib} GiB",
        "GPU": "; ".join(machine.gpus) or "none",
        "System": str(machine.system),
        "Versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }


def _run_rows(labelled: LabelledRun) -> dict[str, str]:
    run, scenario = labelled.run, labelled.run.scenario
    keys = ["repository", "model_config_name", "model", "step", "network", "images", "pictures"]
    keys += ["batch", "transport", "window_requests", "stability_percent", "max_windows"]
    values = {key: getattr(scenario, key) for key in keys}
    rows = {key: str(value) for key, value in values.items() if value is not None}
    rows["busy with other work before"] = format.percent(run.machine.busy_before)
    for name, model in run.models.items():
        if model.instances:
            rows[name] = (
                f"{model.backend}, instances: {model.instances}, batches to {model.max_batch}"
            )
    rows["command lines, raw output"] = f"{labelled.folder}/*/"
    return rows
