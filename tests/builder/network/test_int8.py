from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from builder.network import ModelConfig, export_onnx, network_spec
from builder.network.int8 import quantize_weight, scales
from tests.builder.network.graph_pieces import Arrays, all_graphs, session_of


@pytest.mark.parametrize(
    ("largest", "scale"),
    [
        (127.0, 1.0),
        (6.35, 0.05),
        (254, 2.0),
        (0.0, 2.0**-24),  # nothing to represent: the smallest that fp16 has
        (1e-9, 2.0**-24),
        (8_000_000.0, 63008.0),  # a multiple of 32, as all are here
    ],
)
def test_the_last_int8_value_stands_for_the_largest(largest: float, scale: float) -> None:
    found = scales(largest)
    assert found.dtype == np.float16
    assert float(found) == pytest.approx(scale, rel=2**-10)
    assert float(found) * 127 >= largest


@pytest.mark.parametrize("magnitude", [1e-8, 1e-4, 1.0, 300.0])
@pytest.mark.parametrize("shape", [(8, 16, 3, 3), (5, 7, 1, 1), (1, 1, 7, 7)])
def test_a_weight_comes_back_within_half_a_step_of_its_channel(
    magnitude: float, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    weight = (magnitude * rng.standard_normal(shape)).astype(np.float32)
    weight *= np.geomspace(0.01, 1, shape[0], dtype=np.float32).reshape(-1, 1, 1, 1)
    int8, scale = quantize_weight(weight)
    assert (int8.dtype.name, int8.shape) == ("int8", shape)
    assert (scale.dtype.name, scale.shape) == ("float16", shape[:1])
    assert int8.min() >= -127
    step = scale.astype(np.float64).reshape(-1, 1, 1, 1)
    assert (np.abs(int8 * step - weight) <= 0.5001 * step).all()


def test_channels_do_not_share_their_scale() -> None:
    weight = np.array([[1.0, -0.5], [0.01, 0.005], [0.0, 0.0]], np.float32)
    int8, scale = quantize_weight(weight)
    np.testing.assert_allclose(int8, [[127, -64], [127, 64], [0, 0]], atol=1)
    np.testing.assert_allclose(scale[:2], [1 / 127, 0.01 / 127], rtol=1e-3)


@pytest.fixture(scope="module")
def int8_model(demo_config: ModelConfig, demo_weights: Arrays) -> onnx.ModelProto:
    layers = network_spec(demo_config).quantizable_layers
    return export_onnx(demo_config, demo_weights, "int8", dict.fromkeys(layers[::2], 6.0))


def test_quantized_layers_have_qdq_at_input_and_weight_and_others_have_none(
    demo_config: ModelConfig, demo_weights: Arrays, int8_model: onnx.ModelProto
) -> None:
    graphs = list(all_graphs(int8_model.graph))
    nodes = [node for graph in graphs for node in graph.node]
    producer = {output: node for node in nodes for output in node.output}
    constants = {i.name: numpy_helper.to_array(i) for graph in graphs for i in graph.initializer}
    layers = network_spec(demo_config).quantizable_layers
    seen: dict[str, int] = {}
    used = []
    for node in nodes:
        if node.op_type != "Conv":
            continue
        path = node.input[2].removesuffix(".bias")
        seen[path] = seen.get(path, 0) + 1
        x, weight = (producer.get(name) for name in node.input[:2])
        assert constants[node.input[2]].dtype == np.float16
        if path not in layers[::2]:
            assert x is None or x.op_type != "DequantizeLinear", path
            assert constants[node.input[1]].dtype == np.float16, path
            continue
        assert x is not None
        assert weight is not None
        quantize = producer[x.input[0]]
        used += [quantize.name, x.name, weight.name]
        assert [n.op_type for n in (quantize, x, weight)] == [
            "QuantizeLinear", "DequantizeLinear", "DequantizeLinear"
        ], path  # fmt: skip
        assert list(quantize.input[1:]) == list(x.input[1:]), path
        scale, zero_point = (constants[name] for name in quantize.input[1:])
        assert (scale.dtype.name, scale.shape) == ("float16", ())
        assert float(scale) == pytest.approx(6 / 127, 1e-3)
        assert (zero_point.dtype, int(zero_point)) == (np.int8, 0), path
        int8, weight_scale = (constants[name] for name in weight.input)
        expected = quantize_weight(demo_weights[f"{path}.weight"])
        np.testing.assert_array_equal(int8, expected[0])
        np.testing.assert_array_equal(weight_scale, expected[1])
        assert [a.i for a in weight.attribute if a.name == "axis"] == [0], path
    # res5 runs on the proposals and again on the detections, in one of two ways.
    assert seen == {path: 3 if "res5" in path else 1 for path in layers}
    all_qdq = [n.name for n in nodes if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert sorted(used) == sorted(all_qdq)


def test_an_int8_network_without_quantized_layers_is_the_fp16_network(
    demo_config: ModelConfig, demo_weights: Arrays, demo_goldens: Arrays
) -> None:
    pixels = demo_goldens["0.resized"]
    feeds = {"canvas": pixels[None], "image_size": np.asarray([pixels.shape[:2]], np.int32)}
    found = [
        session_of(export_onnx(demo_config, demo_weights, precision).SerializeToString()).run(
            ["num_detections", "boxes", "scores", "mask_probs"], feeds
        )
        for precision in ("fp16", "int8")
    ]
    count = found[0][0][0, 0]
    assert count == found[1][0][0, 0]
    for fp16, int8, tolerance in zip(found[0][1:], found[1][1:], (0.5, 0.01, 0.05), strict=True):
        np.testing.assert_allclose(int8[0, :count], fp16[0, :count], atol=tolerance)


def test_fp32_and_fp16_networks_have_no_qdq(demo_config: ModelConfig, demo_weights: Arrays) -> None:
    for precision in ("fp32", "fp16"):
        operators = {
            n.op_type for n in export_onnx(demo_config, demo_weights, precision).graph.node
        }
        assert not operators & {"QuantizeLinear", "DequantizeLinear"}
