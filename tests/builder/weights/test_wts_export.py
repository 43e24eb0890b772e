"""Writing .wts: ``write_wts`` and ``python -m builder export-wts``."""

from __future__ import annotations

import resource
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from builder.__main__ import main
from builder.errors import BuildError
from builder.network import load_config, network_spec
from builder.weights import load_weights, write_wts, wts
from builder.weights.wts import read_wts

DEMO = Path(__file__).resolve().parents[3] / "demo"
CONFIG, WEIGHTS = DEMO / "mask_rcnn_R_50_C4_shapes.yaml", DEMO / "mask_rcnn_R_50_C4_shapes.pkl"
FPN_CONFIG = DEMO / "mask_rcnn_R_50_FPN_shapes.yaml"
FPN_WEIGHTS = DEMO / "mask_rcnn_R_50_FPN_shapes.pkl"
PARAMETERS = network_spec(load_config(CONFIG)).parameters
SHAPES = PARAMETERS.shapes

BLOCKS = {"backbone.res2": 3, "backbone.res3": 4, "backbone.res4": 6, "roi_heads.res5": 3}


def export(output: Path | str, weights: Path = WEIGHTS, config: Path = CONFIG) -> int:
    arguments = ["--config", config, "--weights", weights, "--output", output]
    return main(["export-wts", *map(str, arguments)])


def stage(name: str) -> list[str]:
    """The convolutions of a stage of ResNet-50 in the order of detectron2's modules."""
    convolutions = ("conv1", "conv2", "conv3")
    return [
        f"{name}.{block}.{convolution}"
        for block in range(BLOCKS[name])
        for convolution in (("shortcut", *convolutions) if block == 0 else convolutions)
    ]


def detectron2s_state_dict() -> list[str]:
    """The names of R50-C4 with BatchNorm fused, which gen_wts.py writes in this order."""
    modules = [
        "backbone.stem.conv1",
        *(name for level in (2, 3, 4) for name in stage(f"backbone.res{level}")),
        *(
            f"proposal_generator.rpn_head.{name}"
            for name in ("conv", "objectness_logits", "anchor_deltas")
        ),
        *stage("roi_heads.res5"),
        *(f"roi_heads.box_predictor.{name}" for name in ("cls_score", "bbox_pred")),
        *(f"roi_heads.mask_head.{name}" for name in ("deconv", "predictor")),
    ]
    return [f"{module}.{kind}" for module in modules for kind in ("weight", "bias")]


def test_weights_of_a_pyramid_are_written_under_detectron2s_names_and_read_back_the_same(
    tmp_path: Path,
) -> None:
    """tensorrtx itself has C4 alone; its format would hold any network."""
    output = tmp_path / "demo.wts"
    assert export(output, FPN_WEIGHTS, FPN_CONFIG) == 0
    names = {name.rpartition(".")[0] for name in read_wts(output)}
    assert len(names) == 74
    assert {"backbone.bottom_up.res5.2.conv3", "backbone.fpn_output5"} <= names
    parameters = network_spec(load_config(FPN_CONFIG)).parameters
    from_pickle, from_wts = (load_weights(file, parameters) for file in (FPN_WEIGHTS, output))
    for name, tensor in from_pickle.items():
        assert from_wts[name].tobytes() == tensor.tobytes(), name


def test_a_wts_of_another_family_is_told_as_such(tmp_path: Path) -> None:
    output = tmp_path / "demo.wts"
    assert export(output, FPN_WEIGHTS, FPN_CONFIG) == 0
    with pytest.raises(BuildError, match=r"it has a feature pyramid \(FPN\), and the config"):
        load_weights(output, PARAMETERS)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]\w*(\.\w+)*", fullmatch=True),
        arrays(np.float32, array_shapes(min_dims=0, min_side=0), elements=st.floats(width=32)),
        max_size=4,
    ),
    st.integers(9, 50),
)
def test_every_bit_comes_back(
    tmp_path: Path, tensors: dict[str, np.ndarray], chunk_bytes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wts, "CHUNK_BYTES", chunk_bytes)
        write_wts(tmp_path / "model.wts", tensors)
    got = read_wts(tmp_path / "model.wts")
    assert list(got) == list(tensors)
    for name, vector in got.items():
        assert vector.tobytes() == tensors[name].tobytes()


def test_the_text_is_that_of_gen_wts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tensors = {
        "a.weight": rng.normal(size=(3, 2, 1, 2)).astype(np.float32),
        "a.bias": np.array([0.0, -0.0, 1e-45, -3e38], np.float32),
        "transposed": rng.normal(size=(4, 5)).astype(np.float32).T,
        "one": np.array(1.0, np.float32),
    }
    write_wts(tmp_path / "model.wts", tensors)
    lines = [f"{len(tensors)}"]
    for name, tensor in tensors.items():
        words = [struct.pack(">f", value).hex() for value in tensor.reshape(-1)]
        lines.append(f"{name} {tensor.size}  {' '.join(words)}")
    assert (tmp_path / "model.wts").read_bytes() == ("\n".join(lines) + "\n").encode()


def test_the_demos_weights_are_120_entries_in_detectron2s_order_and_read_back_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "demo.wts"
    assert export(output) == 0
    assert f"{output}: 120 entries, 2,236,380 values, 20.1 MB" in capsys.readouterr().out
    assert list(read_wts(output)) == detectron2s_state_dict()
    from_pickle, from_wts = (load_weights(file, PARAMETERS) for file in (WEIGHTS, output))
    for name, tensor in from_pickle.items():
        assert from_wts[name].tobytes() == tensor.tobytes(), name
    assert [path.name for path in output.parent.iterdir()] == ["demo.wts"]


def test_the_121_entries_of_older_detectron2_become_120(tmp_path: Path) -> None:
    assert export(tmp_path / "120.wts") == 0
    entries = read_wts(tmp_path / "120.wts")
    anchors = np.arange(60, dtype=np.float32).reshape(15, 4)
    write_wts(
        tmp_path / "121.wts",
        {**entries, "proposal_generator.anchor_generator.cell_anchors.0": anchors},
    )
    assert (tmp_path / "121.wts").read_bytes().startswith(b"121\n")
    assert export(tmp_path / "again.wts", weights=tmp_path / "121.wts") == 0
    assert (tmp_path / "again.wts").read_bytes() == (tmp_path / "120.wts").read_bytes()


def test_the_text_is_never_held_as_a_whole(tmp_path: Path) -> None:
    tensors = {"a": np.zeros(3_000_000, np.float32)}
    tracemalloc.start()
    try:
        write_wts(tmp_path / "model.wts", tensors)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "model.wts").stat().st_size > 27e6
    assert peak < 4 * wts.CHUNK_BYTES


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.wts"
    write_wts(path, {"old": np.zeros(1, np.float32)})
    with files_limited_to(10_000), pytest.raises(BuildError, match=r"model\.wts: .*too large"):
        write_wts(path, {"new": np.zeros(10_000, np.float32)})
    assert list(read_wts(path)) == ["old"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output": "model.pkl"}, "model.pkl: expected a name that ends in .wts"),
        ({"output": ""}, "expected a name that ends in .wts"),
        ({"output": "folder.wts"}, "folder.wts: cannot be written: "),
        ({"output": "file/model.wts"}, "model.wts: cannot be written: "),
        ({"output": "model.wts", "config": DEMO / "no.yaml"}, "no.yaml"),
        ({"output": "model.wts", "weights": DEMO / "no.pkl"}, "no.pkl: cannot be read"),
        ({"output": "model.wts", "weights": DEMO / "README.md"}, "unknown kind of weights"),
    ],
)
def test_an_export_that_cannot_go_on_says_why_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: dict[str, Any],
    message: str,
) -> None:
    (tmp_path / "folder.wts").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    assert export(**arguments) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert message in printed
    assert {path.name for path in tmp_path.iterdir()} == {"folder.wts", "file"}
