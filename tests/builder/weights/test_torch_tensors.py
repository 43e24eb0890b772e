from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import BuildError
from builder.weights import load_weights
from builder.weights.torch_reader import read_torch
from tests.builder.weights.small_network import PARAMETERS, Tensors, tensors
from tests.builder.weights.torch_file import (
    Storage,
    Tensor,
    as_tensors,
    entries,
    tensor_of,
    write_torch,
)
from tests.builder.weights.torch_reading import assert_same, refusal, written

on_tmp_path = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


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


# Tensors that torch would not write.


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
