from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network.feature_map import FeatureMap, FeatureShape, grid
from builder.network.operators.roi_align import roi_align
from tests.builder.network.graph_pieces import run_graph

Array = npt.NDArray[np.float32]


def even_bins(features: Array, boxes: Array, image_size: Array) -> Array:
    shape = FeatureShape(features.shape[1], stride=16)

    def trace(
        op: Any, features: ir.Value, boxes: ir.Value, image_size: ir.Value, pixels: ir.Value
    ) -> Any:
        feature_map = FeatureMap(features, shape, grid(op, pixels, image_size, shape.stride))
        return [roi_align(op, feature_map, boxes, 14, ir.DataType.FLOAT)]

    rows, columns = features.shape[2:]
    pixels = np.zeros((len(features), 3, 16 * rows, 16 * columns), np.float32)
    (found,) = run_graph(trace, features, boxes, image_size, pixels)
    return found.reshape(-1, *found.shape[2:]).transpose(0, 3, 1, 2)


def onnx_roi_align(features: Array, boxes: Array) -> Array:
    """ONNX Runtime's RoiAlign, all 196 bins, in the mode of detectron2's ROIAlignV2."""

    def trace(op: Any, features: ir.Value, boxes: ir.Value, batch: ir.Value) -> Any:
        return [
            op.RoiAlign(
                features, boxes, batch, output_height=14, output_width=14, sampling_ratio=0,
                spatial_scale=1 / 16, mode="avg", coordinate_transformation_mode="half_pixel",
            )
        ]  # fmt: skip

    pictures, count = boxes.shape[:2]
    batch = np.repeat(np.arange(pictures), count)
    (found,) = run_graph(trace, features, boxes.reshape(-1, 4), batch)
    return found


def random_boxes(rng: np.random.Generator, count: int, height: int, width: int) -> Array:
    ends = np.sort(rng.uniform(0, 1, (count, 2, 2)), axis=1) * [width, height]
    return ends.reshape(count, 4).astype(np.float32)


@pytest.mark.parametrize(("height", "width"), [(288, 480), (800, 1333), (16, 16), (33, 500)])
def test_even_bins_equal_those_of_onnx_roialign(height: int, width: int) -> None:
    rng = np.random.default_rng(height)
    rows, columns = -(-height // 16), -(-width // 16)
    features = rng.normal(size=(2, 5, rows, columns)).astype(np.float32)
    boxes = np.stack([random_boxes(rng, 60, height, width) for _ in range(2)])
    boxes[0, 0] = [0, 0, width, height]
    boxes[0, 1] = [0, 0, 0.01, 0.01]
    boxes[0, 2] = [width - 1, height - 1, width, height]
    boxes[0, 3] = [0, height / 2, width, height / 2 + 0.5]
    sizes = np.array([[height, width]] * 2, np.float32)
    expected = onnx_roi_align(features, boxes)[:, :, ::2, ::2]
    np.testing.assert_allclose(even_bins(features, boxes, sizes), expected, atol=2e-5)


def test_the_extent_is_the_pictures_and_not_the_canvas() -> None:
    rng = np.random.default_rng(1)
    height, width = 200, 300
    picture = rng.normal(size=(1, 4, 13, 19)).astype(np.float32)
    canvas = rng.normal(size=(1, 4, 18, 30)).astype(np.float32)
    canvas[:, :, :13, :19] = picture
    boxes = random_boxes(rng, 40, height, width)[None]
    sizes = np.array([[height, width]], np.float32)
    expected = onnx_roi_align(picture, boxes)[:, :, ::2, ::2]
    np.testing.assert_allclose(even_bins(canvas, boxes, sizes), expected, atol=2e-5)


def test_an_empty_box_pools_without_nan() -> None:
    features = np.ones((1, 3, 18, 30), np.float32)
    found = even_bins(features, np.zeros((1, 2, 4), np.float32), np.array([[288, 480]], np.float32))
    assert np.isfinite(found).all()
