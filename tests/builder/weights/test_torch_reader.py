from __future__ import annotations

import os
import pickle
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
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
from tests.builder.weights.small_network import PARAMETERS, Tensors, tensors, write_pickle
from tests.builder.weights.torch_archives import FOLDER, expected
from tests.builder.weights.torch_file import (
    Named,
    Storage,
    Tensor,
    entries,
    tensor_of,
    write_torch,
    zipped,
)
from tests.fuzz import pickles
from tests.fuzz.mutate import mutated

VERSIONS = ("1.6.0", "2.13.0")

on_tmp_path = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def refusal(path: Path) -> str:
    with pytest.raises(BuildError) as refused:
        read_torch(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def written(tmp_path: Path, content: bytes | Mapping[str, bytes]) -> Path:
    path = tmp_path / "model.pth"
    path.write_bytes(content if isinstance(content, bytes) else zipped(content))
    return path


def as_tensors(arrays: Tensors) -> dict[str, Tensor]:
    return {name: tensor_of(array) for name, array in arrays.items()}


def assert_same(found: object, array: np.ndarray) -> None:
    assert type(found) is np.ndarray
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    np.testing.assert_array_equal(np.signbit(found), np.signbit(array))
    np.testing.assert_array_equal(found, array)


# Files that torch wrote.


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tensors_of_torch_are_read_exactly(version: str) -> None:
    found = read_torch(FOLDER / f"tensors_{version}.pth")
    assert found.keys() == expected().keys()
    for name, array in expected().items():
        if array.dtype.kind in "bu":
            np.testing.assert_array_equal(found[name], array)  # type: ignore[arg-type]
            assert getattr(found[name], "dtype", None) == array.dtype
        else:
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


# Every way to lay out a tensor.


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".PTH"])
def test_a_torch_checkpoint_holds_the_same_as_a_pkl(tmp_path: Path, suffix: str) -> None:
    checkpoint = {"model": as_tensors(tensors()), "iteration": 7}
    weights = load_weights(write_torch(tmp_path / f"model{suffix}", checkpoint), PARAMETERS)
    for name, array in load_weights(
        write_pickle(tmp_path / "a.pkl", tensors()), PARAMETERS
    ).items():
        np.testing.assert_array_equal(weights[name], array)


@on_tmp_path
@given(st.data())
def test_any_view_of_a_storage_is_the_array_that_it_is(tmp_path: Path, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["f8", "f4", "f2", "i8", "i4", "u1", "b1"]))
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    whole = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)
    storage = Storage(whole.reshape(-1))
    views: Tensors = {}
    for number in range(data.draw(st.integers(1, 3))):
        view = storage.numbers.reshape(shape)
        for axis, length in enumerate(shape):
            first = data.draw(st.integers(0, length))
            step = data.draw(st.integers(1, 3))
            view = view[(slice(None),) * axis + (slice(first, None, step),)]
        view = view.transpose(data.draw(st.permutations(range(len(shape)))))
        if data.draw(st.booleans()):
            view = np.broadcast_to(view, (data.draw(st.integers(1, 3)), *view.shape))
        views[f"a.{number}"] = view
    model = {name: tensor_of(view, storage) for name, view in views.items()}
    found = read_torch(write_torch(tmp_path / "model.pth", {"model": model}))
    assert found.keys() == views.keys()
    for name, view in views.items():
        assert_same(found[name], view)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i4"])
def test_both_byte_orders_are_read(tmp_path: Path, order: str, dtype: str) -> None:
    array = np.arange(6).astype(dtype)
    content = entries({"a.b": tensor_of(array)})
    content |= {"data/0": array.astype(f"{'<>'[order == 'big']}{dtype}").tobytes()}
    found = read_torch(written(tmp_path, {**content, "byteorder": order.encode()}))
    assert_same(found["a.b"], array)


@pytest.mark.parametrize("order", ["little", "big"])
def test_every_finite_bfloat16_is_read_exactly(tmp_path: Path, order: str) -> None:
    upper_halves = np.arange(2**16, dtype=np.uint16)
    exact = (upper_halves.astype(np.uint32) << 16).view(np.float32)
    finite = np.isfinite(exact)
    stored = upper_halves[finite].astype("<u2" if order == "little" else ">u2")
    storage = Storage(stored, "BFloat16Storage")
    content = entries({"a.b": Tensor(storage, 0, (len(stored),), (1,))})
    found = read_torch(written(tmp_path, {**content, "byteorder": order.encode()}))
    assert_same(found["a.b"], exact[finite])


def test_an_unknown_byte_order_is_refused(tmp_path: Path) -> None:
    content = entries({"a.b": tensor_of(np.ones(2))})
    path = written(tmp_path, {**content, "byteorder": b"middle"})
    assert "its byte order is b'middle'; expected little or big" in refusal(path)


@pytest.mark.parametrize("folder", ["archive", "x", "mödel final", "...", "data.pkl", "C:\\model"])
def test_the_folder_in_the_file_may_have_any_name(tmp_path: Path, folder: str) -> None:
    path = written(tmp_path, zipped(entries({"a.b": tensor_of(np.ones(2))}), folder))
    assert_same(read_torch(path)["a.b"], np.ones(2))


def test_no_name_in_the_file_leads_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    content = zipped({**entries({"a.b": tensor_of(np.ones(2))}), "../../../out": b"x"}, "..")
    path = written(tmp_path / "in", content)
    assert_same(read_torch(path)["a.b"], np.ones(2))
    assert [each.name for each in tmp_path.rglob("*")] == ["in", "model.pth"]


def test_a_file_with_64_bit_sizes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 0)
        content = zipped(entries({"a.b": tensor_of(np.ones(2))}))
    assert b"PK\x06\x06" in content
    assert_same(read_torch(written(tmp_path, content))["a.b"], np.ones(2))


def test_a_file_without_checksums_is_read(tmp_path: Path) -> None:
    content = bytearray(zipped(entries({"a.b": tensor_of(np.ones(2))})))
    place = content.find(b"PK\x01\x02")
    while place != -1:
        content[place + 16 : place + 20] = bytes(4)
        place = content.find(b"PK\x01\x02", place + 1)
    assert_same(read_torch(written(tmp_path, bytes(content)))["a.b"], np.ones(2))


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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x", "it begins with b'x'"),
        (b"<!DOCTYPE html>", "it begins with b'<!DOCTYPE html>'"),
        (b"version https://git-lfs.github.com/spec/v1", "torch.save wrote"),
        (b"PK\x03\x04", "incomplete or damaged"),
        (b"PK\x03\x04" + bytes(500), "incomplete or damaged"),
        (pickle.dumps({"model": {}}, 2), "give it the suffix .pkl"),
        (zipped({"data.pkl": b"\x80\x02."}), "not hold a complete pickle"),
        (zipped({}), "it begins with b'PK"),
        (zipped({"model_final.pkl": b""}), "found: archive/model_final.pkl"),
        (zipped({"data.pkl": b"N."}, "a/b"), "expected one folder with data.pkl"),
    ],
)
def test_a_file_that_torch_did_not_write_is_told_from_a_damaged_one(
    tmp_path: Path, content: bytes, says: str
) -> None:
    assert says in refusal(written(tmp_path, content))


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    whole = zipped(entries({"model": {"a.b": tensor_of(np.ones(9))}}))
    for length in range(1, len(whole)):
        assert "copy or download it again" in refusal(written(tmp_path, whole[:length]))


def test_a_changed_byte_of_the_numbers_is_noticed(tmp_path: Path) -> None:
    whole = zipped(entries({"a.b": tensor_of(np.full(9, 0.1))}))
    place = whole.index(np.full(9, 0.1).tobytes())
    path = written(tmp_path, whole[:place] + b"\0" + whole[place + 1 :])
    assert "data/0 is not what its checksum says" in refusal(path)


def test_a_compressed_file_is_told_how_to_be_packed(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries({"a.b": tensor_of(np.zeros(10**6))}).items():
            archive.writestr(f"a/{name}", data)
    assert "pack its folder again with `zip -0 -r`" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "model.pth", {"a.b": tensor_of(np.ones(2))})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data/0", np.zeros(2).tobytes())
    assert "archive/data/0 is there twice" in refusal(path)


def test_a_second_folder_is_refused(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "model.pth", {"a.b": tensor_of(np.ones(2))})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", b"N.")
    assert "expected one folder with data.pkl" in refusal(path)


def test_missing_numbers_are_named(tmp_path: Path) -> None:
    content = entries({"a.b": tensor_of(np.ones(2))})
    del content["data/0"]
    assert "data/0 is missing" in refusal(written(tmp_path, content))


@pytest.mark.parametrize("size", [0, 15, 17, 1000])
def test_numbers_of_another_size_than_announced_are_refused(tmp_path: Path, size: int) -> None:
    content = entries({"a.b": tensor_of(np.ones(2))}) | {"data/0": bytes(size)}
    message = refusal(written(tmp_path, content))
    assert f"a.b: its storage data/0 has {size} bytes; expected 16 for 2 × float64" in message


def _tensor(offset: object, size: object, stride: object) -> Tensor:
    return Tensor(Storage(np.ones(12, np.float32)), offset, size, stride)


@pytest.mark.parametrize(
    "tensor",
    [
        _tensor(0, (13,), (1,)),
        _tensor(12, (1,), (1,)),
        _tensor(1, (3, 4), (4, 1)),
        _tensor(0, (2, 2), (11, 1)),
        _tensor(0, (2,), (2**62,)),
        _tensor(2**62, (), ()),
        _tensor(0, (2**40, 2**40), (0, 0)),
        _tensor(0, (0, 2**62, 2**62), (1, 1, 1)),
        _tensor(0, (3,), (1, 1)),
        _tensor(0, (1,) * 40, (1,) * 40),
        _tensor(0, (3,), (-1,)),
        _tensor(11, (3,), (-1,)),
        _tensor(-1, (3,), (1,)),
        _tensor(0, (-3,), (1,)),
        _tensor(0, (2**64,), (0,)),
        _tensor(0, (3.0,), (1,)),
        _tensor(0, (True,), (1,)),
        _tensor(0, [3], [1]),
        _tensor("0", (3,), (1,)),
        _tensor(None, None, None),
        Tensor(None, 0, (3,), (1,)),
        Tensor(np.ones(3), 0, (3,), (1,)),
        Tensor(tensor_of(np.ones(3)), 0, (3,), (1,)),
    ],
)
def test_a_tensor_that_is_not_within_its_storage_is_refused(tmp_path: Path, tensor: Tensor) -> None:
    tracemalloc.start()
    try:
        message = refusal(write_torch(tmp_path / "model.pth", {"a.b": tensor}))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "a.b: is " in message
    assert len(message) < 1000
    assert peak < 10e6


def test_a_huge_tensor_of_one_number_takes_no_memory(tmp_path: Path) -> None:
    name = "roi_heads.box_predictor.cls_score.bias"
    model: dict[str, object] = {**as_tensors(tensors()), name: _tensor(0, (2**30, 2**20), (0, 0))}
    path = write_torch(tmp_path / "model.pth", model)
    with pytest.raises(BuildError, match=f"{name}: \\(1073741824, 1048576\\), expected \\(9,\\)"):
        load_weights(path, PARAMETERS)


@pytest.mark.parametrize(
    "pid",
    [
        None,
        (),
        ("storage",),
        ("storage", "float32", "0", "cpu", -1),
        ("storage", "float32", "0", "cpu", 1.0),
        ("storage", "float128", "0", "cpu", 1),
        ("storage", ["float32"], "0", "cpu", 1),
        ("storage", "float32", 0, "cpu", 1),
        ("module", "float32", "0", "cpu", 1),
    ],
)
def test_a_storage_in_other_words_than_torchs_is_refused(tmp_path: Path, pid: object) -> None:
    data = pickle.dumps(pid, 2)[:-1] + b"Q."
    assert "in which torch describes one" in refusal(written(tmp_path, {"data.pkl": data}))


@pytest.mark.parametrize("value", [1, 2**31, 2**32 - 2])
@pytest.mark.parametrize(
    ("header", "place"),
    [(b"PK\x01\x02", 20), (b"PK\x01\x02", 24), (b"PK\x01\x02", 42), (b"PK\x05\x06", 12)],
    ids=["packed size", "size", "offset", "size of the list"],
)
def test_a_wrong_list_of_entries_is_refused_in_little_memory(
    tmp_path: Path, header: bytes, place: int, value: int
) -> None:
    content = bytearray(zipped(entries({"a.b": tensor_of(np.ones(9))})))
    place += content.index(header)
    content[place : place + 4] = struct.pack("<I", value)
    tracemalloc.start()
    try:
        assert "incomplete or damaged" in refusal(written(tmp_path, bytes(content)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10e6


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    content = zipped(
        {**entries({"a.b": tensor_of(np.ones(1000))}), **{f"data/{n}": b"" for n in range(1, 9)}}
    )
    changed = bytearray(content)
    first = changed.index(b"PK\x01\x02")
    while (first := changed.find(b"PK\x01\x02", first + 1)) != -1:
        changed[first + 20 : first + 28] = struct.pack("<II", 8000, 8000)
    assert "its entries are larger than the file" in refusal(written(tmp_path, bytes(changed)))


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
