"""Every command on files changed at random: a result or a refusal in words, no traceback, no
signal, no hang; and no average precision that pycocotools would not compute from that file.

The long form (`make test-long`) tries each command for minutes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from tests.client.videos import read_video
from tests.commands.changes import Draw, changed, with_changes, written_otherwise
from tests.commands.command import ROOT, TIMEOUT_S, Outcome, run_apart, run_here
from tests.commands.conftest import Given, figures_of
from tests.commands.pycocotools_alone import figures_by_pycocotools
from tests.conftest import DEMO

Try = Callable[[Given, Path, Draw], Outcome]

MODEL = {
    "--config": DEMO / "mask_rcnn_R_50_C4_shapes.yaml",
    "--weights": DEMO / "mask_rcnn_R_50_C4_shapes.pkl",
}
SCENARIO = ROOT / "perf/scenarios/short.yaml"
RESULT = ROOT / "tests/perf/results/short"


def words(options: dict[str, str]) -> list[str]:
    return [word for option, value in options.items() for word in (option, value)]


def copy_of(folder: Path, original: Path, draw: Draw, *suffixes: str) -> Path:
    """A folder like another one with one of its files changed, or gone."""
    copy = shutil.copytree(original, folder / original.name, copy_function=os.link)
    files = [path for path in sorted(copy.rglob("*")) if path.is_file() and path.suffix in suffixes]
    path = draw(st.sampled_from(files))
    content = changed(path, draw)
    path.unlink()
    if draw(st.integers(0, 9)):
        path.write_bytes(content)
    return copy


def check_figures(annotations: Path, output: Path, outcome: Outcome) -> None:
    """A complete evaluation has the figures of pycocotools on the file and the results as they are.

    Where pycocotools cannot read the file that was taken, there is nothing to compare.
    """
    if outcome.code != 0:
        return
    results = output / "coco_instances_results.json"
    for task, figures in figures_of(output).items():
        expected = figures_by_pycocotools(annotations, results, task)
        if expected is not None:
            assert [figures[name] for name in expected] == pytest.approx(
                list(expected.values()), nan_ok=True
            ), (task, annotations.read_text())


def build(given: Given, folder: Path, draw: Draw) -> Outcome:
    files = with_changes({**MODEL, "--categories": given.annotations}, folder, draw)
    precision = draw(st.sampled_from(["fp32", "fp16"]))
    repository = str(folder / "repository")
    build = ["build", *words(files), "--precision", precision, "--repository", repository]
    outcome = run_here("builder", build)
    if outcome.code == 0:
        assert run_here("builder", ["inspect", repository]).code == 0
    else:
        assert not (folder / "repository").exists()
    return outcome


def export_wts(given: Given, folder: Path, draw: Draw) -> Outcome:
    files = with_changes(MODEL, folder, draw)
    return run_here("builder", ["export-wts", *words(files), "--output", str(folder / "a.wts")])


def inspect(given: Given, folder: Path, draw: Draw) -> Outcome:
    repository = copy_of(folder, given.repository, draw, ".json", ".onnx")
    onnx = repository / "mask_rcnn_network/1/model.onnx"
    return run_apart("builder", ["inspect", str(draw(st.sampled_from([repository, onnx])))])


def evaluate(given: Given, folder: Path, draw: Draw) -> Outcome:
    files = {"--images": str(given.images), "--annotations": str(given.annotations)}
    if draw(st.integers(0, 3)):
        files |= with_changes({"--annotations": given.annotations}, folder, draw)
    else:
        files["--images"] = str(copy_of(folder, given.images, draw, ".jpg"))
    output = folder / "output"
    evaluation = ["evaluate", *given.connection, *words(files), "--output", str(output)]
    outcome = run_here("client", evaluation)
    check_figures(Path(files["--annotations"]), output, outcome)
    return outcome


def resume(given: Given, folder: Path, draw: Draw) -> Outcome:
    output = copy_of(folder, given.evaluation, draw, ".json", ".jsonl")
    data = ["--images", str(given.images), "--annotations", str(given.annotations)]
    (output / "summary.json").unlink(missing_ok=True)
    evaluation = ["evaluate", *given.connection, *data, "--output", str(output), "--resume"]
    outcome = run_here("client", evaluation)
    check_figures(given.annotations, output, outcome)
    return outcome


def merge(given: Given, folder: Path, draw: Draw) -> Outcome:
    first, second = given.shards
    annotations = with_changes({"--annotations": given.annotations}, folder, draw)
    if draw(st.booleans()):
        annotations = {"--annotations": str(given.annotations)}
        first = copy_of(folder, first, draw, ".json", ".jsonl")
    output = folder / "output"
    merging = ["merge", str(first), str(second), *words(annotations), "--output", str(output)]
    outcome = run_here("client", merging)
    check_figures(Path(annotations["--annotations"]), output, outcome)
    return outcome


def report(given: Given, folder: Path, draw: Draw) -> Outcome:
    evaluation, other = given.evaluation, given.evaluation
    annotations = {"--annotations": str(given.annotations)}
    changing = draw(st.sampled_from(["evaluation", "other", "annotations"]))
    if changing == "annotations":
        annotations = with_changes({"--annotations": given.annotations}, folder, draw)
    elif changing == "other":
        other = copy_of(folder, other, draw, ".json", ".jsonl")
    else:
        evaluation = copy_of(folder, evaluation, draw, ".json", ".jsonl")
    options = [*words(annotations), "--compare", str(other)]
    page = folder / "report.html"
    return run_here("client", ["report", str(evaluation), *options, "--output", str(page)])


def predict(given: Given, folder: Path, draw: Draw) -> Outcome:
    pictures = copy_of(folder, given.images, draw, ".jpg")
    output = ["--output", str(folder / "output")]
    return run_here("client", ["predict", *given.connection, str(pictures), *output])


def predict_video(given: Given, folder: Path, draw: Draw) -> Outcome:
    name = draw(st.sampled_from(sorted(path.name for path in given.videos.iterdir())))
    video = folder / name
    video.write_bytes(changed(given.videos / name, draw))
    output = folder / "output"
    prediction = [
        "predict",
        *given.connection,
        str(video),
        "--every",
        "16",
        "--output",
        str(output),
    ]
    outcome = run_here("client", prediction)
    for lines in output.glob("*.jsonl"):
        drawn = lines.with_suffix(".mp4")
        assert lines.read_bytes().count(b"\n") == (len(read_video(drawn)) if drawn.exists() else 0)
    return outcome


def perf_run(given: Given, folder: Path, draw: Draw) -> Outcome:
    scenario = folder / "scenario.yaml"
    scenario.write_bytes(changed(SCENARIO, draw))
    # Where nothing listens: a scenario that is taken ends there.
    elsewhere = ["--url", "127.0.0.1:1", "--output", str(folder / "output")]
    return run_here("perf", ["run", str(scenario), *elsewhere, "--images", str(given.images)])


def perf_report(given: Given, folder: Path, draw: Draw) -> Outcome:
    results = copy_of(folder, RESULT, draw, ".json")
    return run_here("perf", ["report", str(results), "--output", str(folder / "report.html")])


def serve(given: Given, folder: Path, draw: Draw) -> Outcome:
    """Ended as by Ctrl-C once it is ready."""
    repository = copy_of(folder, given.repository, draw, ".pbtxt", ".json", ".onnx")
    ports = [f"--{name}-port=0" for name in ("grpc", "http", "metrics")]
    arguments = ["--repository", str(repository), "--model-config-name", "onnxruntime", *ports]
    process = subprocess.Popen(
        [sys.executable, "-m", "server", *arguments, "--exit-timeout-secs=0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        is_ready = process.stdout.readline().startswith("Ready: ")
        if is_ready:
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert "Traceback" not in stderr, stderr
    assert process.returncode == (0 if is_ready else 1), stderr
    assert is_ready or "error: " in stderr, stderr
    return Outcome(process.returncode, stdout, stderr)


TRIED: dict[Try, tuple[int, int]] = {
    build: (6, 400),
    export_wts: (6, 400),
    inspect: (2, 40),
    evaluate: (6, 200),
    resume: (3, 100),
    merge: (4, 200),
    report: (4, 400),
    predict: (3, 150),
    predict_video: (6, 200),
    perf_run: (8, 1000),
    perf_report: (15, 2000),
    serve: (1, 12),
}
"""How often each command is run, in the short form and in the long one."""

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


def try_often(command: Try, examples: int, given_files: Given, folder: Path) -> None:
    codes: Counter[int] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        phases=NO_SHRINKING,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @hypothesis_given(data=st.data())
    def run(data: st.DataObject) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            codes[command(given_files, Path(scratch), data.draw).code] += 1

    run()
    print(f"{command.__name__}: {codes.total()} tried, {codes[0]} of them with exit code 0")


@pytest.mark.parametrize("command", TRIED, ids=lambda command: command.__name__)
def test_a_command_refuses_changed_files_in_words_or_works(
    given: Given, tmp_path: Path, command: Try
) -> None:
    try_often(command, TRIED[command][0], given, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("command", TRIED, ids=lambda command: command.__name__)
def test_a_command_does_so_many_times(given: Given, tmp_path: Path, command: Try) -> None:
    try_often(command, TRIED[command][1], given, tmp_path)


def check_written_otherwise(given: Given, folder: Path, data: st.DataObject) -> None:
    content = json.loads(given.annotations.read_text())
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        file, output = Path(scratch, "instances.json"), Path(scratch, "output")
        file.write_text(data.draw(written_otherwise(content)), encoding="utf-8")
        outcome = run_here(
            "client",
            [
                *("evaluate", *given.connection, "--images", str(given.images)),
                *("--annotations", str(file), "--output", str(output)),
            ],
        )
        assert outcome.code == 0, outcome
        figures = figures_of(output)
        assert figures == given.figures()
        assert figures["bbox"]["AP"]
        assert figures["segm"]["AP"]
        results = output / "coco_instances_results.json"
        for task, found in figures.items():
            expected = figures_by_pycocotools(file, results, task)
            assert expected is not None
            assert [found[name] for name in expected] == pytest.approx(list(expected.values()))


OFTEN = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@settings(OFTEN, max_examples=3)
@hypothesis_given(data=st.data())
def test_what_should_not_matter_changes_no_figure(
    given: Given, tmp_path: Path, data: st.DataObject
) -> None:
    check_written_otherwise(given, tmp_path, data)


@pytest.mark.long
@settings(OFTEN, max_examples=60)
@hypothesis_given(data=st.data())
def test_it_changes_none_however_it_is_written(
    given: Given, tmp_path: Path, data: st.DataObject
) -> None:
    check_written_otherwise(given, tmp_path, data)
