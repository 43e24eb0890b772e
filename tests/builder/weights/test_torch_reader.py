from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.errors import BuildError
from builder.weights import load_weights
from tests.builder.weights.small_network import PARAMETERS, SHAPES, tensors, write_pickle

with_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


@pytest.fixture
def torch() -> Any:
    return importlib.import_module("torch")


def refusal(path: Path) -> str:
    with pytest.raises(BuildError) as refused:
        load_weights(path, PARAMETERS)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_without_torch_the_message_says_how_to_get_it_or_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "model_final.pth"
    path.write_bytes(b"PK\x03\x04")
    message = refusal(path)
    assert "pip install torch" in message
    assert "model_final.pkl" in message


@with_torch
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_torch_checkpoint_holds_the_same_as_a_pkl(
    tmp_path: Path, torch: Any, dtype: str, wrapped: bool
) -> None:
    state = {n: torch.from_numpy(a).to(getattr(torch, dtype)) for n, a in tensors().items()}
    checkpoint = {"model": state, "optimizer": {"lr": 0.1}, "iteration": 7} if wrapped else state
    torch.save(checkpoint, tmp_path / "model.pth")
    pkl = write_pickle(tmp_path / "a.pkl", {n: v.float().numpy() for n, v in state.items()})
    weights = load_weights(tmp_path / "model.pth", PARAMETERS)
    expected = load_weights(pkl, PARAMETERS)
    for name, array in weights.items():
        np.testing.assert_array_equal(array, expected[name])


@with_torch
def test_parameters_that_need_gradients_are_read(tmp_path: Path, torch: Any) -> None:
    state = {n: torch.nn.Parameter(torch.from_numpy(a)) for n, a in tensors().items()}
    torch.save(state, tmp_path / "model.pth")
    assert load_weights(tmp_path / "model.pth", PARAMETERS).keys() == SHAPES.keys()


@with_torch
def test_a_tensor_that_is_no_plain_array_is_named(tmp_path: Path, torch: Any) -> None:
    name = "roi_heads.box_predictor.cls_score.weight"
    state: dict[str, Any] = {n: torch.from_numpy(a) for n, a in tensors().items()}
    for tensor, says in [
        (state[name].to_sparse(), "is a Tensor"),
        (torch.ones(9, 6, dtype=torch.int32), "is int32"),
    ]:
        torch.save(state | {name: tensor}, tmp_path / "model.pth")
        assert f"{name}: {says}" in refusal(tmp_path / "model.pth")


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.marker,)


@with_torch
@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_checkpoint_is_refused_and_does_not_run(
    tmp_path: Path, torch: Any, zipped: bool
) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "model.pth"
    torch.save({"model": Malicious(marker)}, path, _use_new_zipfile_serialization=zipped)
    assert "weights_only" in refusal(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists()  # it does run where it may


@with_torch
@pytest.mark.parametrize(
    "content",
    [b"x", b"PK\x03\x04", b"PK\x03\x04" + bytes(500), b"\x80\x02.", b"hello\n", pickle.dumps({})],
)
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    refusal(path)


@with_torch
def test_the_conversion_that_the_message_gives_works(
    tmp_path: Path, torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pth"
    torch.save({"model": {n: torch.from_numpy(a) for n, a in tensors().items()}}, path)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        code = refusal(path).split('python -c "')[1].removesuffix('"')
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert load_weights(tmp_path / "model.pkl", PARAMETERS).keys() == SHAPES.keys()
