from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from builder.errors import BuildError
from builder.network import ModelConfig
from builder.quantization import CALIBRATION, Calibration, obtain_calibration
from builder.quantization.calibration import FORMAT, read_calibration, weights_hash
from builder.repository import served_code
from tests.builder.quantization.conftest import CALIBRATED_ON

LAYERS = ("a.conv1", "a.conv2")
CONTENT = {
    "format": FORMAT,
    "weights_sha256": "abc",
    "pictures": 3,
    "input_ranges": {"a.conv1": 6.5, "a.conv2": 0},
}


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_what_was_measured_can_be_used_again(
    tmp_path: Path,
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    demo_calibration: Calibration,
) -> None:
    demo_calibration.write(tmp_path)
    lines: list[str] = []
    again = obtain_calibration(tmp_path / CALIBRATION, demo_config, demo_weights, lines.append)
    assert again == demo_calibration
    assert again.pictures == CALIBRATED_ON
    assert lines == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "no JSON",
            f"neither a folder of pictures nor the {CALIBRATION} that an int8 build leaves",
        ),
        ([], "neither a folder of pictures nor"),
        ({}, "neither a folder of pictures nor"),
        (CONTENT | {"format": "mask-rcnn-triton calibration 9"}, "another format"),
        (CONTENT | {"more": 1}, "neither a folder of pictures nor"),
        (CONTENT | {"input_ranges": 3}, "neither a folder of pictures nor"),
        (CONTENT | {"input_ranges": ["a.conv1"]}, "neither a folder of pictures nor"),
        (CONTENT | {"input_ranges": {"a.conv1": -1}}, "range of a.conv1 is -1; expected a number"),
        (
            CONTENT | {"input_ranges": {"a.conv1": 65505}},
            "65505; expected a number from 0 to 65504",
        ),
        (CONTENT | {"input_ranges": {"a.conv1": "6"}}, "range of a.conv1 is '6'; expected"),
        (CONTENT | {"input_ranges": {"a.conv1": None}}, "range of a.conv1 is None; expected"),
        (
            json.dumps(CONTENT | {"input_ranges": {"a.conv1": float("inf")}}),
            "range of a.conv1 is inf; expected",
        ),
        (CONTENT | {"weights_sha256": "abd"}, "measured with other weights; give a folder of"),
        (CONTENT | {"input_ranges": {"a.conv1": 6.5}}, "measured with other weights"),
        (
            CONTENT | {"input_ranges": {"a.conv1": 6.5, "a.conv2": 0, "a.conv3": 1}},
            "measured with other weights",
        ),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: object, message: str) -> None:
    path = written(tmp_path / "some.json", content)
    with pytest.raises(BuildError) as error:
        read_calibration(path, LAYERS, "abc")
    assert str(error.value).startswith(f"--calibration: {path}: ")
    assert message in str(error.value)


def test_the_file_that_the_others_differ_from_is_read(tmp_path: Path) -> None:
    calibration = read_calibration(written(tmp_path / "some.json", CONTENT), LAYERS, "abc")
    assert calibration == Calibration("abc", 3, {"a.conv1": 6.5, "a.conv2": 0})


def test_the_weights_hash_is_of_names_and_values() -> None:
    weights = {"a": np.arange(4, dtype=np.float32), "b": np.ones((2, 2), np.float32)}
    other_value = weights | {"a": np.arange(1, 5, dtype=np.float32)}
    other_name = {"c": weights["a"], "b": weights["b"]}
    swapped = {"a": weights["b"], "b": weights["a"]}
    hashes = {weights_hash(w) for w in (weights, other_value, other_name, swapped)}
    assert len(hashes) == 4
    assert weights_hash(dict(reversed(weights.items()))) == weights_hash(weights)


@pytest.mark.parametrize(
    ("module", "missing"),
    [("calibrate", "onnxruntime.quantization.calibrate"), ("pictures", "PIL")],
)
def test_what_calibrating_needs_is_named_where_it_is_not_installed(
    tmp_path: Path,
    demo_config: ModelConfig,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    missing: str,
) -> None:
    for name in ("calibrate", "pictures"):
        monkeypatch.delitem(sys.modules, f"builder.quantization.{name}", raising=False)
    monkeypatch.setattr(served_code, "_imported", defaultdict(dict))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BuildError, match=f"{missing} is not installed: pip install onnxruntime"):
        obtain_calibration(tmp_path, demo_config, {}, lambda line: None)


def test_few_pictures_are_a_warning(
    tmp_path: Path,
    demo_config: ModelConfig,
    demo_weights: dict[str, npt.NDArray[Any]],
    demo_pictures: list[Path],
) -> None:
    (tmp_path / "one.jpg").symlink_to(demo_pictures[0])
    lines: list[str] = []
    assert obtain_calibration(tmp_path, demo_config, demo_weights, lines.append).pictures == 1
    assert lines[0].startswith("warning: 1 picture")
