"""The perf_analyzer command line of one measurement."""

from __future__ import annotations

from perf.input_data import InputData
from perf.scenario import Scenario

REPORT = "report.csv"
ANY_STABILITY = 100_000.0
"""As `stability_percent`: the first three windows are taken, however much they differ."""


def flags(
    scenario: Scenario,
    load: float,
    *,
    url: str,
    input_data: InputData,
    stability_percent: float,
    metrics_url: str | None,
) -> list[str]:
    """perf_analyzer's flags; it is to run in the folder for its CSV files.

    The CSV file of a composing model is named by a prefix to the whole of ``-f``, which therefore
    must not be a path.

    Args:
        load: the concurrency or the request rate.
        url: the server's gRPC address.
        metrics_url: where the server tells what its GPUs do; None if it has none.
    """
    arguments = [
        *("-m", scenario.requested_model, "-b", str(scenario.batch)),
        *("-i", "grpc", "-u", url),
        *("--input-data", str(input_data.path)),
    ]
    if scenario.load_kind == "concurrency":
        arguments += ["--concurrency-range", f"{load:g}"]
    else:
        # Asynchronously, as otherwise at most --max-threads requests would be in flight.
        arguments += ["--request-rate-range", f"{load:g}", "--async"]
        arguments += ["--request-distribution", scenario.request_distribution]
    if scenario.transport == "system_shared_memory":
        arguments += ["--shared-memory", "system"]
        arguments += ["--output-shared-memory-size", str(input_data.output_bytes)]
    arguments += [
        *("--measurement-mode", "count_windows"),
        *("--measurement-request-count", str(scenario.window_requests)),
        *("--percentile", str(scenario.percentile)),
        *("--stability-percentage", f"{stability_percent:g}"),
        *("--max-trials", str(scenario.max_windows)),
        *("-f", REPORT, "--verbose-csv", "-v"),
    ]
    if metrics_url is not None:
        arguments += ["--collect-metrics", "--metrics-url", metrics_url]
    return arguments
