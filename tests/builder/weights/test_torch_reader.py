from __future__ import annotations

import os
import pickle
import time
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import BuildError
from builder.weights import load_weights
from builder.weights.torch_reader import read_torch
from tests.builder.weights.small_network import PARAMETERS, tensors, write_pickle
from tests.builder.weights.torch_archives import FOLDER, expected
from tests.builder.weights.torch_file import (
    Named,
    as_tensors,
    entries,
    tensor_of,
    write_torch,
    zipped,
)
from tests.builder.weights.torch_reading import assert_same, refusal, written
from tests.fuzz import pickles
from tests.fuzz.mutate import mutated

VERSIONS = ("1.6.0", "2.13.0")

on_tmp_path = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


# Files that torch wrote.


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tensors_of_torch_are_read_exactly(version: str) -> None:
    found = read_torch(FOLDER / f"tensors_{version}.pth")
    assert found.keys() == expected().keys()
    for name, array in expected().items():
        assert_same(found[name], array)


@pytest.mark.parametrize("version", VERSIONS)
def test_of_a_training_run_the_wrapped_model_is_read(version: str) -> None:
    found = read_torch(FOLDER / f"training_run_{version}.pth")
    assert list(found) == [
        "conv.weight",
        "conv.bias",
        *(f"norm.{n}" for n in ("weight", "bias", "running_mean", "running_var")),
        "norm.num_batches_tracked",
    ]
    np.testing.assert_array_equal(found["norm.weight"], np.full(3, 2, np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "versions", "says"),
    [
        ("legacy", VERSIONS, "format that torch wrote before 1.6"),
        ("whole_model", VERSIONS, "a torch.nn.modules.container.Sequential: the whole model was"),
        ("torchscript", VERSIONS, "is a TorchScript archive"),
        ("sparse", VERSIONS, "a sparse tensor (torch._utils._rebuild_sparse_tensor)"),
        ("quantized", VERSIONS, "a quantized tensor (torch._utils._rebuild_qtensor)"),
        ("complex", VERSIONS, "complex numbers (torch.ComplexFloatStorage)"),
        ("float8", VERSIONS[1:], "numbers of 8 bits or less (torch.float8_e4m3fn)"),
        ("meta", VERSIONS[1:], "device meta, which has no values"),
        ("negated", VERSIONS[1:], "is to be negated when it is read"),
    ],
)
def test_what_else_torch_writes_is_refused_by_its_name(
    name: str, versions: tuple[str, ...], says: str
) -> None:
    for version in versions:
        assert says in refusal(FOLDER / f"{name}_{version}.pth")


@pytest.mark.parametrize("name", ["legacy", "whole_model", "torchscript"])
def test_what_torch_can_write_anew_comes_with_the_command(name: str) -> None:
    path = FOLDER / f"{name}_2.13.0.pth"
    command = refusal(path).rpartition("\n  ")[2]
    assert command.startswith('python -c "import sys, torch; ')
    assert command.endswith(f'" {path} {FOLDER}/{name}_2.13.0_weights.pth')


def test_the_command_quotes_the_names_of_files(tmp_path: Path) -> None:
    path = tmp_path / "it's mine.pth"
    path.write_bytes((FOLDER / "legacy_2.13.0.pth").read_bytes())
    assert f"'{tmp_path}/it'\"'\"'s mine.pth'" in refusal(path)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_legacy_file_called_pkl_is_told_its_suffix(tmp_path: Path, version: str) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes((FOLDER / f"legacy_{version}.pth").read_bytes())
    with pytest.raises(BuildError, match=r"give it the suffix \.pth"):
        load_weights(path, PARAMETERS)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".PTH"])
def test_a_torch_checkpoint_holds_the_same_as_a_pkl(tmp_path: Path, suffix: str) -> None:
    checkpoint = {"model": as_tensors(tensors()), "iteration": 7}
    weights = load_weights(write_torch(tmp_path / f"model{suffix}", checkpoint), PARAMETERS)
    for name, array in load_weights(
        write_pickle(tmp_path / "a.pkl", tensors()), PARAMETERS
    ).items():
        np.testing.assert_array_equal(weights[name], array)


# The model within the checkpoint, and what is beside it.


def test_arrays_of_numpy_in_a_torch_file_are_read(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "model.pth", {"model": {"a.b": np.ones(2), "a.c": np.float64(1)}})
    found = read_torch(path)
    assert_same(found["a.b"], np.ones(2))
    assert found["a.c"] == 1.0


def test_what_is_beside_the_model_takes_no_memory(tmp_path: Path) -> None:
    optimizer = {number: tensor_of(np.zeros(10**6)) for number in range(5)}
    path = write_torch(
        tmp_path / "model.pth",
        {"optimizer": optimizer, "model": {"a.b": tensor_of(np.ones(10**5))}},
    )
    tracemalloc.start()
    try:
        found = read_torch(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1e6
    assert_same(found["a.b"], np.ones(10**5))


def test_data_beside_the_model_may_be_missing(tmp_path: Path) -> None:
    content = entries({"model": {"a.b": tensor_of(np.ones(2))}, "ema": tensor_of(np.zeros(3))})
    del content["data/1"]
    assert_same(read_torch(written(tmp_path, content))["a.b"], np.ones(2))


def test_of_a_lightning_checkpoint_the_weights_are_read(tmp_path: Path) -> None:
    state = {f"model._orig_mod.{name}": tensor_of(array) for name, array in tensors().items()}
    checkpoint = {"epoch": 3, "state_dict": state, "optimizer_states": [{"state": {}}], "loops": {}}
    weights = load_weights(write_torch(tmp_path / "last.ckpt", checkpoint), PARAMETERS)
    assert weights.keys() == PARAMETERS.shapes.keys()


@pytest.mark.parametrize(
    "name",
    [
        b"cpytorch_lightning.utilities.parsing\nAttributeDict\n",
        b"cdetectron2.config.config\nCfgNode\n",
        b"cyacs.config\nCfgNode\n",
    ],
)
def test_settings_beside_the_model_are_passed_over(tmp_path: Path, name: bytes) -> None:
    content = entries({"model": {"a.b": tensor_of(np.ones(2))}})
    settings = name + b")\x81(U\1aK\1u}U\1bK\2sb"  # __new__(), its items, its attributes
    content["data.pkl"] = content["data.pkl"][:-1] + b"U\3cfg" + settings + b"s."
    assert_same(read_torch(written(tmp_path, content))["a.b"], np.ones(2))


def test_whatever_is_beside_the_model_is_not_its_weights(tmp_path: Path) -> None:
    name = "roi_heads.box_predictor.cls_score.bias"
    strange = {name: Named("torch", "float32")}
    path = write_torch(tmp_path / "model.pth", {"model": as_tensors(tensors()) | strange})
    with pytest.raises(BuildError, match=f"{name}: is a str; expected an array"):
        load_weights(path, PARAMETERS)


def test_integers_are_no_weights(tmp_path: Path) -> None:
    name = "roi_heads.box_predictor.cls_score.bias"
    model = as_tensors(tensors() | {name: np.ones(9, np.int32)})
    with pytest.raises(BuildError, match=f"{name}: is int32"):
        load_weights(write_torch(tmp_path / "model.pth", model), PARAMETERS)


# What is refused, and never runs.


class Call:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("place", ["model", "beside"])
def test_a_malicious_checkpoint_is_refused_and_does_not_run(tmp_path: Path, place: str) -> None:
    marker = tmp_path / "marker"
    content = entries({"model": {"a.b": tensor_of(np.ones(2))}, place: Call(marker)})
    message = refusal(written(tmp_path, content))
    assert "the pickle asks for posix.mkdir. Nothing in it was run" in message
    assert not marker.exists()
    pickle.loads(entries({"model": Call(marker)})["data.pkl"])
    assert marker.exists()  # it does run where it may


@pytest.mark.parametrize(
    "attempt",
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n(NdS'_function'\nNstb.",
        b"ctorch\nFloatStorage\n(NdS'x'\nNstb.",
        b"ctorch\nSize\n(NdS'x'\nNstb.",
        b"cargparse\nNamespace\n(dS'__setstate__'\nNsb.",
        b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1\ntQ(NdS'length'\nI9\nstb.",
        b"(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1\ntQ(dS'length'\nI9\nsb.",
    ],
)
def test_the_admitted_functions_cannot_be_altered_for_the_next_file(
    tmp_path: Path, attempt: bytes
) -> None:
    content = entries({"a.b": tensor_of(np.ones(2, np.float32))})
    refusal(written(tmp_path, {**content, "data.pkl": attempt}))
    assert_same(read_torch(written(tmp_path, content))["a.b"], np.ones(2, np.float32))


DOUBLED = b"2\x86"


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02" + b")" + DOUBLED * 60 + b"Q.",
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n()" + DOUBLED * 60 + b"N)NtR.",
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor\nN"
        + b")"
        + DOUBLED * 60
        + b"NtR.",
        b"\x80\x02}X\x03\x00\x00\x00a.bctorch._utils\n_rebuild_tensor\n(NK\0"
        + b")"
        + DOUBLED * 60
        + b")tRs.",
    ],
)
def test_pairs_of_pairs_are_refused_before_anything_walks_through_them(
    tmp_path: Path, content: bytes
) -> None:
    refusal(written(tmp_path, {"data.pkl": content}))


# Damaged files.


@on_tmp_path
@given(st.binary(min_size=1, max_size=100), st.booleans())
def test_any_bytes_are_refused(tmp_path: Path, content: bytes, as_pickle: bool) -> None:
    refusal(written(tmp_path, {"data.pkl": content} if as_pickle else content))


CHECKPOINT = {"model": OrderedDict(as_tensors(tensors())), "lr": np.float64(1), "step": [1, 2]}


def test_changed_files_are_read_or_refused_quickly_and_in_little_memory(tmp_path: Path) -> None:
    random = Random(0)
    whole, content = zipped(entries(CHECKPOINT)), entries(CHECKPOINT)
    tracemalloc.start()
    try:
        for number in range(400):
            changed: bytes | dict[str, bytes] = mutated(whole, [whole], random)
            if number % 2:
                changed = {**content, "data.pkl": pickles.changed(content["data.pkl"], random)}
            path = written(tmp_path, changed)
            start = time.process_time()
            try:
                message = f"{path}: {len(read_torch(path))} tensors"
            except BuildError as error:
                message = str(error)
            assert str(path) in message
            assert time.process_time() - start < 5
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6
