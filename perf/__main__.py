"""``python -m perf``: runs scenarios, makes a report of their results, and has further studies."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from artifact.names import DEFAULT_NAME
from artifact.system_errors import in_words
from client.errors import ClientError
from perf.errors import PerfError
from perf.report.write import write_report
from perf.runner.run import run_scenarios
from perf.scenario import SCENARIOS, load_scenario
from perf.studies import full_size_demo, growth, profile_network, served_share, side_by_side
from server.access import read_key
from server.errors import ServerError
from server.interrupt import raise_keyboard_interrupt

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for a fault, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="  %(message)s", stream=sys.stderr)
    raise_keyboard_interrupt()
    try:
        options.command(options)
    except (PerfError, ServerError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{options.when_interrupted}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__)
    parser.set_defaults(when_interrupted="interrupted")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="measure scenarios with perf_analyzer",
        description="Runs scenarios with perf_analyzer, each against a server of its own that is "
        f"started for it. The scenarios in {SCENARIOS} fit the demo; the options make them fit "
        "any other repository.",
    )
    run.set_defaults(
        command=_run, when_interrupted="interrupted; the loads that were finished are kept"
    )
    run.add_argument("scenarios", nargs="+", type=Path, metavar="SCENARIO.yaml")
    run.add_argument(
        "--repository",
        type=Path,
        metavar="DIR",
        help="the model repository, in place of the scenario's (and of its model_config_name)",
    )
    run.add_argument(
        "--model-config-name",
        metavar="NAME",
        help="use configs/NAME.pbtxt of each model that has it: onnxruntime without TensorRT",
    )
    run.add_argument(
        "--model",
        metavar="NAME",
        help="the build that is measured, by the name of its ensemble, in place of the scenario's "
        f"(which has {DEFAULT_NAME} where it names none)",
    )
    run.add_argument(
        "--images", type=Path, metavar="DIR", help="the pictures, in place of the scenario's"
    )
    run.add_argument(
        "--recursive", action="store_true", help="go into the folders in that folder too"
    )
    run.add_argument("--url", metavar="HOST:PORT", help="measure the server that runs there (gRPC)")
    run.add_argument(
        "--access-key-file",
        type=Path,
        metavar="FILE",
        help="that server's, for scenarios that use shared memory",
    )
    run.add_argument(
        "--output",
        type=Path,
        default=Path("build/perf"),
        metavar="DIR",
        help="where a folder for each result is made (default: %(default)s)",
    )

    report = commands.add_parser(
        "report",
        help="one HTML page and a CSV of results",
        description="Makes one HTML page, and beside it a CSV, of all results in the folders.",
    )
    report.set_defaults(command=_report)
    report.add_argument("results", nargs="+", type=Path, metavar="DIR")
    report.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page (default: report.html in the first DIR); the CSV has the suffix .csv",
    )

    for study in (side_by_side, served_share, profile_network, growth, full_size_demo):
        study.add_command(commands)
    return parser


def _run(options: argparse.Namespace) -> None:
    scenarios = {
        path: load_scenario(
            path,
            repository=options.repository,
            model_config_name=options.model_config_name,
            model=options.model,
            images=options.images,
        )
        for path in options.scenarios
    }
    access_key = read_key(options.access_key_file) if options.access_key_file else None
    folders = list(
        run_scenarios(scenarios, options.output, options.url, access_key, options.recursive)
    )
    print(f"Make a report of it with\n  python -m perf report {' '.join(map(str, folders))}")


def _report(options: argparse.Namespace) -> None:
    page = options.output or options.results[0] / "report.html"
    for path in write_report(options.results, page):
        print(path)


if __name__ == "__main__":
    sys.exit(main())
