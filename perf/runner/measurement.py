"""One run of perf_analyzer, and the figures in the CSV that it exports."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.latency import Latency
from perf.errors import PerfError
from perf.runner.analyzer import Analyzer
from perf.runner.command import REPORT

COMMAND = "command.txt"
OUTPUT = "perf_analyzer.txt"
EXIT_UNSTABLE = 2  # perf_analyzer's STABILITY_ERROR
LAST_LINES = 10
SHARED_MEMORY = Path("/dev/shm")
WINDOW_LINE = re.compile(
    r"\s+Pass \[(\d+)\] throughput: ([\d.e+]+) infer/sec\. (\w+) latency: (\d+) usec"
)


@dataclass(frozen=True)
class Measurement:
    """The figures of perf_analyzer for one load."""

    throughput: float
    """Pictures per second."""
    latency_ms: Latency
    gpu_utilization: float | None
    """0 to 1, the mean over the GPUs; None where the server has none."""
    windows: tuple[float, ...]
    """The throughput in each window; the last three are measured."""


def measure(
    analyzer: Analyzer,
    arguments: Sequence[str],
    folder: Path,
    *,
    access_headers: Mapping[str, str],
    regions: Sequence[str],
    on_window: Callable[[str], None],
) -> Measurement | None:
    """Runs perf_analyzer and keeps its command line, its output and its CSV files.

    Args:
        arguments: its flags, see `perf.runner.command`.
        folder: an existing folder, in which it runs and in which all is kept.
        access_headers: sent with every request, and left out of what is kept: they are secret.
        regions: the shared memory that it makes, see `perf.input_data`.
        on_window: called after each window with a line about it.

    Returns:
        None if no three windows in a row agreed with each other.

    Raises:
        PerfError: it failed.
    """
    command = [str(analyzer.binary), *arguments]
    libraries = analyzer.environment.get("LD_LIBRARY_PATH")
    prefix = f"LD_LIBRARY_PATH={shlex.quote(libraries)} " if libraries else ""
    (folder / COMMAND).write_text(f"{prefix}{shlex.join(command)}\n")
    windows = []
    with (folder / OUTPUT).open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, *(f"-H{name}:{value}" for name, value in access_headers.items())],
            cwd=folder,
            env=analyzer.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is for this process alone
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                output.write(line)
                output.flush()
                if window := WINDOW_LINE.match(line):
                    windows.append(float(window[2]))
                    on_window(
                        f"window {window[1]}: {float(window[2]):.2f} img/s, "
                        f"{window[3]} {int(window[4]) / 1000:.1f} ms"
                    )
            code = process.wait()
        finally:
            # Asked to end, it would finish its window first; ended so, it leaves its regions.
            process.kill()
            process.wait()
            process.stdout.close()
            for region in regions:
                (SHARED_MEMORY / region).unlink(missing_ok=True)
    if code == EXIT_UNSTABLE:
        return None
    if code != 0:
        raise PerfError(
            f"perf_analyzer ended with exit code {code}; its command line and output are in "
            f"{folder}. The end of the output:\n{_end(folder / OUTPUT)}"
        )
    return read_report(folder / REPORT, tuple(windows))


def read_report(path: Path, windows: tuple[float, ...]) -> Measurement:
    """Reads the CSV file of a run with one load, written with ``--verbose-csv``.

    Raises:
        PerfError: the file is missing, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if len(rows) != 1:
            raise PerfError(f"{path}: expected the row of one load, found {len(rows)} rows")
        row = rows[0]
        percentiles = {f"p{p}": _microseconds(row, f"p{p} latency") for p in (50, 90, 95, 99)}
        mean = _microseconds(row, "request/response") + _microseconds(row, "response wait")
        return Measurement(
            throughput=float(row["Inferences/Second"]),
            latency_ms=Latency(mean=mean, **percentiles),
            gpu_utilization=_mean_over_gpus(row.get("Avg GPU Utilization")),
            windows=windows,
        )
    except OSError as error:
        raise PerfError(f"perf_analyzer left no {path}: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise PerfError(
            f"{path}: is not the CSV that perf_analyzer writes with --verbose-csv: {error!r}"
        ) from None


def _microseconds(row: Mapping[str, str], column: str) -> float:
    return float(row[column]) / 1000


def _mean_over_gpus(text: str | None) -> float | None:
    """Of ``<uuid>:<value>;<uuid>:<value>;``."""
    values = [float(entry.rpartition(":")[2]) for entry in (text or "").split(";") if entry]
    return sum(values) / len(values) if values else None


def _end(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    # A wrong option is followed by 500 lines on all options.
    lines = [line for line in text.partition("\nUsage: ")[0].splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-LAST_LINES:]) or "  nothing"
