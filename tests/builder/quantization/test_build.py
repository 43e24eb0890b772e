"""``python -m builder build --precision int8``."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from artifact.manifest import MANIFEST, read_manifest
from builder.__main__ import main
from builder.quantization import CALIBRATION, Calibration
from tests.builder.network.graph_pieces import all_graphs
from tests.builder.quantization.conftest import DEMO

NETWORK = Path("mask_rcnn_network") / "1"


def build(repository: Path, *arguments: object, family: str = "C4") -> int:
    command = [
        *("build", "--repository", repository),
        *("--config", DEMO / f"mask_rcnn_R_50_{family}_shapes.yaml"),
        *("--weights", DEMO / f"mask_rcnn_R_50_{family}_shapes.pkl"),
        *("--categories", DEMO / "val" / "instances.json"),
        *arguments,
    ]
    return main([str(argument) for argument in command])


def int8_layers(repository: Path) -> set[str]:
    graph = onnx.load_model(repository / NETWORK / "model.onnx").graph
    return {
        tensor.name.removesuffix(".weight")
        for each in all_graphs(graph)
        for tensor in each.initializer
        if tensor.name.endswith(".weight") and tensor.data_type == onnx.TensorProto.INT8
    }


@pytest.mark.parametrize(
    ("family", "parameters", "in_int8", "in_fp16"),
    [
        ("C4", "2,236,380", 53, {"backbone.stem.conv1"}),
        (
            "FPN",
            "2,765,728",
            65,
            {
                "backbone.bottom_up.stem.conv1",
                "proposal_generator.rpn_head.objectness_logits",
                "proposal_generator.rpn_head.anchor_deltas",
            },
        ),
    ],
)
def test_a_build_calibrates_and_a_rebuild_needs_no_pictures(
    tmp_path: Path,
    demo_pictures: list[Path],
    capsys: pytest.CaptureFixture[str],
    family: str,
    parameters: str,
    in_int8: int,
    in_fp16: set[str],
) -> None:
    pictures, first, second = (tmp_path / name for name in ("pictures", "first", "second"))
    pictures.mkdir()
    for picture in demo_pictures[:2]:
        (pictures / picture.name).symlink_to(picture)
    options = ("--precision", "int8", "--calibration")
    assert build(first, *options, pictures, family=family) == 0
    printed = capsys.readouterr().out
    for expected in (
        f"] calibration    {pictures}\n",
        "] calibration    warning: 2 pictures only",
        "] calibration    picture 1 of 2\n",
        "] calibration    picture 2 of 2\n",
        f"{parameters} parameters, int8\n",
    ):
        assert expected in printed
    assert read_manifest(first / NETWORK / MANIFEST).precision == "int8"
    layers = int8_layers(first)
    assert len(layers) == in_int8
    assert not layers & in_fp16

    calibration = first / NETWORK / CALIBRATION
    assert build(second, *options, calibration, family=family) == 0
    assert "picture 1" not in capsys.readouterr().out
    for file in ("model.onnx", CALIBRATION):
        assert (first / NETWORK / file).read_bytes() == (second / NETWORK / file).read_bytes()

    # A build in another precision leaves no calibration behind that it was not made with.
    assert build(second, "--precision", "fp16", family=family) == 0
    assert not (second / NETWORK / CALIBRATION).exists()


def test_the_layers_that_stay_in_fp16_can_be_named(
    tmp_path: Path, demo_calibration: Calibration
) -> None:
    demo_calibration.write(tmp_path)
    repository = tmp_path / "repository"
    options = ("--precision", "int8", "--calibration", tmp_path / CALIBRATION)
    fp16 = ("--fp16-layers", "backbone.*", "proposal_generator.*", "*.shortcut")
    assert build(repository, *options, *fp16) == 0
    assert int8_layers(repository) == {
        f"roi_heads.res5.{block}.conv{conv}" for block in range(3) for conv in (1, 2, 3)
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision", "int8"], "--precision int8 needs --calibration DIR"),
        (["--precision", "int8", "--fp16-layers", "x"], "needs --calibration DIR"),
        (["--calibration", "pictures"], "--calibration is for --precision int8"),
        (
            ["--precision", "fp16", "--fp16-layers", "backbone.*"],
            "--fp16-layers is for --precision int8",
        ),
    ],
)
def test_int8_and_its_options_go_together(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        build(tmp_path / "repository", *options)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calibration", "no_folder"], "no_folder: cannot be read: No such file or directory"),
        (["--calibration", "empty"], "empty: there is no picture in it, but nothing at all"),
        (["--calibration", "damaged"], "damaged.jpg: it is empty (0 bytes)"),
        (["--calibration", "other.json"], "other.json: was measured with other weights"),
        (["--calibration", "empty", "--fp16-layers", "res5"], "--fp16-layers: 'res5' is no layer"),
    ],
)
def test_a_calibration_that_cannot_be_used_ends_the_build_and_leaves_nothing(
    tmp_path: Path,
    options: list[str],
    message: str,
    demo_calibration: Calibration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "damaged"):
        Path(folder).mkdir()
    Path("damaged/damaged.jpg").touch()
    demo_calibration.write(tmp_path)
    content = json.loads(Path(CALIBRATION).read_text())
    Path("other.json").write_text(json.dumps(content | {"weights_sha256": "0"}))
    assert build(Path("repository"), "--precision", "int8", *options) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: --")
    assert message in error
    assert not Path("repository").exists()
