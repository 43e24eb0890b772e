"""Files and folders that no command can use, for whatever they are named: one sentence each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import builder.__main__
import client.__main__
import perf.__main__
import server.__main__
from server.launch import TritonServer
from tests.client.videos import write_video
from tests.conftest import DEMO
from tests.finished_evaluation import identity, write_evaluation
from tests.permissions import bound_by_permissions

ROOT = Path(__file__).parents[2]
MAIN = {
    "builder": builder.__main__.main,
    "client": client.__main__.main,
    "perf": perf.__main__.main,
    "server": server.__main__.main,
}
FILES = {
    "config": DEMO / "mask_rcnn_R_50_C4_shapes.yaml",
    "weights": DEMO / "mask_rcnn_R_50_C4_shapes.pkl",
    "annotations": DEMO / "val/instances.json",
    "images": DEMO / "val/images",
    "picture": DEMO / "val/images/000000.jpg",
    "scenario": ROOT / "perf/scenarios/short.yaml",
    "run": ROOT / "tests/perf/results",
    "checked_in": ROOT / "model_repository",
}
BUILD = "builder build --config {config} --weights {weights} --categories {annotations}"
READ = {
    "build --config": f"{BUILD} --repository {{out}} --config {{bad:config}}",
    "build --weights": f"{BUILD} --repository {{out}} --weights {{bad:weights}}",
    "build --categories": f"{BUILD} --repository {{out}} --categories {{bad:annotations}}",
    "build --calibration": f"{BUILD} --repository {{out}} --precision int8 "
    "--calibration {bad:images}",
    "export-wts": "builder export-wts --config {config} --weights {bad:weights} --output {out}.wts",
    "inspect": "builder inspect {bad:build}",
    "server --repository": "server --repository {bad:build}",
    "server --access-key-file": "server --repository {build} --access-key-file {bad:annotations}",
    "evaluate --images": "client evaluate --url {url} --output {out} --annotations {annotations} "
    "--images {bad:images}",
    "evaluate --annotations": "client evaluate --url {url} --output {out} --images {images} "
    "--annotations {bad:annotations}",
    "predict": "client predict --url {url} --output {out} {bad:images}",
    "predict a video": "client predict --url {url} --output {out} {bad:video}",
    "merge": "client merge {bad:run} --output {out}",
    "report": "client report {bad:run} --output {out}",
    "report --compare": "client report {evaluation} --compare {bad:run} --output {out}",
    "report --annotations": "client report {evaluation} --output {out} "
    "--annotations {bad:annotations}",
    "perf run": "perf run {bad:scenario} --output {out}",
    "perf run --images": "perf run {scenario} --repository {build} --output {out} "
    "--images {bad:images}",
    "perf run --repository": "perf run {scenario} --output {out} --repository {bad:build}",
    "perf report": "perf report {bad:run}",
    "served-share": "perf served-share --images {images} --annotations {annotations} "
    "--repository {bad:build}",
    "profile-network": "perf profile-network --repository {bad:build}",
}
WRITTEN = {
    "build --repository": f"{BUILD} --repository {{bad}}",
    "export-wts": "builder export-wts --config {config} --weights {weights} --output {bad}.wts",
    "server --log-file": "server --repository {checked_in} --http-port 0 --grpc-port 0 "
    "--metrics-port 0 --log-file {bad}",
    "evaluate --output": "client evaluate --url {url} --images {images} "
    "--annotations {annotations} --output {bad}",
    "report --output": "client report {evaluation} --output {bad}",
    "predict --output": "client predict --url {url} {picture} --output {bad}",
    "perf run --output": "perf run {scenario} --url {url} --images {images} --output {bad}",
    "perf report --output": "perf report {run} --output {bad}",
    "full-size-demo": "perf full-size-demo --pictures 1 --output {bad}",
}
BRACKETS = "[" * 200_000
NESTED = {
    "build --config": (READ["build --config"], "", "a: " + BRACKETS[:30_000]),
    "build --categories": (READ["build --categories"], "", BRACKETS),
    "build --calibration": (READ["build --calibration"], "", BRACKETS),
    "inspect": (READ["inspect"], "manifest.json", BRACKETS),
    "evaluate --annotations": (READ["evaluate --annotations"], "", BRACKETS),
    "merge": (READ["merge"], "results.jsonl", BRACKETS + "\n"),
    "report": (READ["report"], "results.jsonl", BRACKETS + "\n"),
    "perf run": (READ["perf run"], "", "a: " + BRACKETS[:30_000]),
    "perf report": (READ["perf report"], "run.json", BRACKETS),
}
"""The command, the file in the folder that it reads, if it reads one, and what is in it."""
TOO_LONG = {"in one name": "é" * 130, "in all": "folder/" * 600 + "x"}


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an evaluation in which nothing was found."""
    model = identity([{"id": 1, "name": "circle"}])
    folder = tmp_path_factory.mktemp("evaluation")
    return write_evaluation(folder, FILES["images"], FILES["annotations"], [], model)


@pytest.fixture(scope="session")
def files(demo_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`FILES`, and what is made."""
    video = write_video(
        tmp_path_factory.mktemp("video") / "x.mp4", [np.zeros((64, 64, 3), np.uint8)]
    )
    return {**FILES, "build": demo_repository, "video": video}


@pytest.fixture
def refusal(
    tmp_path: Path,
    files: dict[str, Path],
    demo_server: TritonServer,
    evaluation: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str, Path], str]:
    """What a command says that cannot use the file or folder in the place of ``{bad}``."""
    known = {**files, "out": tmp_path / "out", "evaluation": evaluation}

    def run(command: str, bad: Path) -> str:
        package, *arguments = command.split()
        places = {name: str(path) for name, path in known.items()}
        places["url"] = demo_server.grpc_url
        arguments = [
            str(bad) + argument.partition("}")[2]
            if argument.startswith("{bad")
            else argument.format(**places)
            for argument in arguments
        ]
        capsys.readouterr()
        assert MAIN[package](arguments) == 1
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return said

    return run


@pytest.fixture
def copy(tmp_path: Path, files: dict[str, Path]) -> Callable[[str], Path]:
    """A copy of what a command reads in place of ``{bad:NAME}``, to be spoilt."""

    def make(command: str) -> Path:
        name = command.partition("{bad:")[2].partition("}")[0]
        source = files[name]
        target = tmp_path / f"copy{source.suffix}"
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
        return target

    return make


@pytest.mark.parametrize("name", TOO_LONG.values(), ids=TOO_LONG)
@pytest.mark.parametrize("command", [*READ.values(), *WRITTEN.values()], ids=[*READ, *WRITTEN])
def test_a_path_that_is_too_long_is_told(
    command: str, name: str, refusal: Callable[[str, Path], str], tmp_path: Path
) -> None:
    suffix = ".pkl" if "{bad:weights}" in command else ""
    assert "File name too long" in refusal(command, tmp_path / (name + suffix))


@pytest.mark.parametrize("command", READ.values(), ids=READ)
def test_what_may_not_be_read_is_told(
    command: str, refusal: Callable[[str, Path], str], copy: Callable[[str], Path]
) -> None:
    path = copy(command)
    path.chmod(0)
    with bound_by_permissions():
        said = refusal(command, path)
    path.chmod(0o700)
    assert str(path) in said
    assert "Permission denied" in said


@pytest.mark.parametrize("command", READ.values(), ids=READ)
def test_what_lies_in_a_folder_that_may_not_be_entered_is_told(
    command: str, refusal: Callable[[str, Path], str], copy: Callable[[str], Path]
) -> None:
    path = copy(command)
    folder = path.parent / "closed"
    folder.mkdir()
    path = path.rename(folder / path.name)
    folder.chmod(0)
    with bound_by_permissions():
        said = refusal(command, path)
    folder.chmod(0o700)
    assert str(path) in said
    assert "Permission denied" in said


@pytest.mark.parametrize("mode", [0o500, 0])
@pytest.mark.parametrize("command", WRITTEN.values(), ids=WRITTEN)
def test_a_folder_that_may_not_be_written_is_told(
    command: str, mode: int, refusal: Callable[[str, Path], str], tmp_path: Path
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode)
    with bound_by_permissions():
        said = refusal(command, folder / "new")
    folder.chmod(0o700)
    assert str(folder) in said
    assert "Permission denied" in said


@pytest.mark.parametrize(("command", "name", "content"), NESTED.values(), ids=NESTED)
def test_brackets_that_are_nested_without_end_are_told(
    command: str, name: str, content: str, refusal: Callable[[str, Path], str], tmp_path: Path
) -> None:
    path = tmp_path / "nested"
    if name:
        path.mkdir()
    (path / name).write_text(content)
    said = refusal(command, path)
    assert str(path / name) in said
    assert "nested too deeply" in said or "is damaged" in said
