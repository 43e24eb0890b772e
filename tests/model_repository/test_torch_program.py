"""ONNX as PyTorch's functions, on the CPU: the answers of ONNX Runtime, whatever the picture."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from builder.network import export_onnx
from builder.quantization.pictures import network_inputs
from tests.builder.network.trained_models import TRAINED_MODELS
from tests.model_repository.batched_network import (
    assert_batches_have_the_answers_of_single_pictures,
)

sys.path.append(str(Path(sys.prefix) / "torch"))
torch = pytest.importorskip("torch", reason="`make test` installs PyTorch into .venv/torch")

torch_network = pytest.importorskip("torch_network")
torch_program = pytest.importorskip("torch_program")

Array = npt.NDArray[Any]

PHOTOS = sorted((Path(__file__).parents[2] / "demo/val/images").glob("*.jpg"))


def as_it_is(function: Any, inputs: Sequence[Any]) -> Any:
    """A traced function, run without a compiler."""
    outputs = function(*inputs)

    def step() -> None:
        for output, value in zip(outputs, function(*inputs), strict=True):
            output.copy_(value)

    return step, outputs


class Running:
    """A program and its inputs."""

    def __init__(
        self, model: onnx.ModelProto, inputs: Mapping[str, Array], known: Mapping[str, Array] = {}
    ) -> None:
        self._tensors = {name: torch.from_numpy(array.copy()) for name, array in inputs.items()}
        self._names = [output.name for output in model.graph.output]
        values = {**known, **self._tensors}
        with torch.no_grad():
            constants = torch_program.Constants(torch.device("cpu"))
            self._program = torch_program.Program(model.graph, values, constants, as_it_is)

    def __call__(self, inputs: Mapping[str, Array]) -> list[Array]:
        for name, array in inputs.items():
            self._tensors[name].copy_(torch.from_numpy(array))
        with torch.no_grad():
            self._program.run()
        return [self._program.output(name).numpy().copy() for name in self._names]


def has_roi_align() -> bool:
    try:
        import torchvision  # noqa: F401
    except Exception:  # not there, or not for this PyTorch
        return False
    return hasattr(torch.ops.torchvision, "roi_align")


@pytest.mark.parametrize(
    "family",
    [
        "C4",
        pytest.param(
            "FPN",
            marks=pytest.mark.skipif(not has_roi_align(), reason="needs torchvision's RoIAlign"),
        ),
    ],
)
def test_other_pictures_than_it_was_made_with_have_onnxruntimes_answers(family: str) -> None:
    config, weights = TRAINED_MODELS[family].load()
    network = export_onnx(config, weights)
    there = {initializer.name for initializer in network.graph.initializer}
    not_there = {"C4": "level_by_level", "FPN": "all_places"}[family]
    assert torch_network.INITIALIZERS.keys() - there == {not_there}
    inputs = [network_inputs(photo, config) for photo in PHOTOS[:8]]
    shape = inputs[0]["canvas"].shape
    first, second, *_ = [each for each in inputs if each["canvas"].shape == shape]
    two = {name: np.concatenate([first[name], second[name]]) for name in first}
    nothing = {name: np.zeros_like(array) for name, array in two.items()}
    running = Running(network, nothing, torch_network.INITIALIZERS)
    session = ort.InferenceSession(network.SerializeToString())
    exchanged = {name: array[::-1].copy() for name, array in two.items()}
    for batch in (two, nothing, exchanged):
        for found, expected in zip(running(batch), session.run(None, dict(batch)), strict=True):
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def single(
    op_type: str, inputs: Mapping[str, Array], known: Mapping[str, Array], attributes: Any
) -> onnx.ModelProto:
    """A model of one node, whose inputs are these in order."""

    def described(name: str, array: Array) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )

    node = helper.make_node(op_type, [*inputs, *known], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "single",
        [described(*item) for item in inputs.items()],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(array, name) for name, array in known.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


INTEGERS = np.array([[-7, -4, 0], [3, 5, 8]], np.int64)
FLOATS = np.array([[-1.5, 0.0, np.nan], [2.5, -0.25, 3e38]], np.float32)
CUBE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
PLACES = np.array([[[2], [0]], [[1], [1]]], np.int64)


@pytest.mark.parametrize(
    ("op_type", "inputs", "known", "attributes"),
    [
        ("Div", {"a": INTEGERS}, {"b": np.array(2)}, {}),
        ("Div", {"a": FLOATS}, {"b": np.array([[2.0], [0.0]], np.float32)}, {}),
        ("Mod", {"a": INTEGERS}, {"b": np.array(4)}, {}),
        ("Min", {"a": FLOATS}, {"b": np.array(1.0, np.float32)}, {}),
        ("Max", {"a": FLOATS, "b": FLOATS[::-1].copy()}, {}, {}),
        ("Cast", {"a": np.array([1.9, -1.9], np.float32)}, {}, {"to": TensorProto.INT32}),
        ("Relu", {"a": FLOATS}, {}, {}),
        ("ReduceSum", {"a": INTEGERS.astype(np.int32)}, {"axes": np.array([1])}, {}),
        ("ReduceSum", {"a": INTEGERS}, {}, {"keepdims": 0}),
        ("ReduceMax", {"a": CUBE}, {"axes": np.array([0, -1])}, {"keepdims": 0}),
        ("CumSum", {"a": INTEGERS.astype(np.int32)}, {"axis": np.array(1)}, {}),
        ("Reshape", {"a": CUBE}, {"shape": np.array([0, -1])}, {}),
        ("Squeeze", {"a": CUBE[:, :1, :1]}, {"axes": np.array([1, -1])}, {}),
        ("Unsqueeze", {"a": CUBE}, {"axes": np.array([-1, 0])}, {}),
        ("Expand", {"a": CUBE[:, :1]}, {"shape": np.array([5, 1, 3, 1])}, {}),
        ("Gather", {"a": CUBE}, {"i": np.array(-1)}, {"axis": 1}),
        ("Gather", {"a": CUBE, "i": PLACES[..., 0]}, {}, {"axis": 2}),
        ("GatherND", {"a": CUBE, "i": PLACES}, {}, {"batch_dims": 1}),
        ("GatherND", {"a": CUBE, "i": PLACES[:, 0, :1] % 2}, {}, {}),
        (
            "Slice",
            {"a": CUBE},
            {
                "starts": np.array([0, -3]),
                "ends": np.array([2**31, -1]),
                "axes": np.array([1, -1]),
                "steps": np.array([2, 1]),
            },
            {},
        ),
        (
            "ScatterElements",
            {"a": CUBE[0], "i": np.array([[3, 0]]), "u": np.array([[-1, -2]], np.float32)},
            {},
            {"axis": 1},
        ),
        (
            "ScatterND",
            {"a": CUBE[0], "i": np.array([[2], [0]]), "u": -CUBE[1, :2]},
            {},
            {},
        ),
        ("Where", {"c": INTEGERS > 0, "a": FLOATS}, {"b": np.array(0.5, np.float32)}, {}),
        (
            "Gemm",
            {"a": CUBE[0]},
            {"b": CUBE[1, :, :].copy(), "c": np.ones(3, np.float32)},
            {"transB": 1},
        ),
        ("Softmax", {"a": CUBE}, {}, {"axis": 1}),
        (
            "Resize",
            {"a": CUBE[None]},
            {"roi": np.array([], np.float32), "scales": np.array([1, 1, 2, 2], np.float32)},
            {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"},
        ),
        (
            "Resize",
            {"a": CUBE[None]},
            {"roi": np.array([], np.float32), "scales": np.array([1, 1, 2, 2], np.float32)},
            {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
        ),
        ("Log", {"a": CUBE}, {}, {}),
        (
            "ConvTranspose",
            {"a": CUBE[None]},
            {"w": CUBE[..., None].reshape(2, 3, 4, 1) * np.ones((1, 1, 1, 4), np.float32)},
            {"strides": [2, 2], "pads": [1, 1, 1, 1]},
        ),
        (
            "Conv",
            {"a": CUBE[None, :1]},
            {"w": np.ones((2, 1, 3, 3), np.float32), "b": np.array([0.5, -1], np.float32)},
            {"pads": [1, 1, 1, 1], "strides": [2, 1]},
        ),
        (
            "MaxPool",
            {"a": CUBE[None]},
            {},
            {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_an_operator_has_onnxs_answer(
    op_type: str, inputs: dict[str, Array], known: dict[str, Array], attributes: dict[str, Any]
) -> None:
    model = single(op_type, inputs, known, attributes)
    [expected] = ort.InferenceSession(model.SerializeToString()).run(None, inputs)
    zeros = {name: np.zeros_like(array) for name, array in inputs.items()}
    [found] = Running(model, zeros)(inputs)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def counting(most: int) -> onnx.ModelProto:
    """Doubles x until it is greater than 100, at most so many times; also how often."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["value", "value"], ["doubled"]),
            helper.make_node("ReduceMax", ["doubled"], ["largest"], keepdims=0),
            helper.make_node("Less", ["largest", "limit"], ["goes_on"]),
            helper.make_node("Add", ["number", "one"], ["rounds"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("going_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("rounds_before", TensorProto.INT64, []),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("doubled", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("rounds", TensorProto.INT64, []),
        ],
    )
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["first"], keepdims=0),
        helper.make_node("Less", ["first", "limit"], ["begins"]),
        helper.make_node("Loop", ["most", "begins", "x", "none"], ["y", "count"], body=body),
    ]
    known = {
        "limit": np.array(100, np.float32),
        "most": np.array(most),
        "none": np.array(0),
        "one": np.array(1),
    }
    graph = helper.make_graph(
        nodes,
        "counting",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
        ],
        [numpy_helper.from_array(array, name) for name, array in known.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


@pytest.mark.parametrize("most", [0, 3, 100])
def test_a_loop_ends_when_its_condition_or_its_number_says_so(most: int) -> None:
    model = counting(most)
    session = ort.InferenceSession(model.SerializeToString())
    running = Running(model, {"x": np.ones(2, np.float32)})
    for x in ([1.0, 2.0], [99.0, 3.0], [100.0, 1.0], [0.0, 0.5], [1.0, 2.0]):
        inputs = {"x": np.array(x, np.float32)}
        for found, expected in zip(running(inputs), session.run(None, inputs), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_equal_weights_of_several_programs_are_in_memory_once() -> None:
    constants = torch_program.Constants(torch.device("cpu"))
    weights = constants.of(FLOATS)
    assert constants.of(FLOATS.copy()) is weights
    for other in (FLOATS[::-1], FLOATS.reshape(-1), FLOATS.view(np.int32)):
        assert constants.of(other) is not weights


def test_an_operator_that_the_network_does_not_have_is_named() -> None:
    model = single("Erf", {"a": FLOATS}, {}, {})
    with pytest.raises(NotImplementedError, match=r"y is ONNX's Erf, .*; build with --precision"):
        Running(model, {"a": FLOATS})


@pytest.mark.skipif(torch.cuda.is_available(), reason="this PyTorch has CUDA")
def test_without_cuda_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"GPU 1, .* finds no CUDA; install one with CUDA, or"):
        torch_network.TorchNetwork(tmp_path / "model.onnx", 1, print)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs PyTorch with CUDA, and a GPU")
def test_every_batch_size_has_the_answers_of_single_pictures(demo_repository: Path) -> None:
    network = torch_network.TorchNetwork(
        demo_repository / "mask_rcnn_network/1/model.onnx", 0, print
    )
    assert_batches_have_the_answers_of_single_pictures(network, 3)
