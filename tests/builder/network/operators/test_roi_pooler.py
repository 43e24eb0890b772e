from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from builder.network import PRECISIONS
from builder.network.feature_map import FeatureMap, FeatureShape, grid
from builder.network.operators.roi_pooler import ROIPooler, box_levels
from tests.builder.network.graph_pieces import run_graph
from tests.builder.network.variants.edge_boxes import edge_boxes

GOLDENS = Path(__file__).parents[3] / "goldens"

Array = npt.NDArray[np.float32]

STRIDE = 16


def pool(pooler: ROIPooler, features: Array, boxes: Array, sizes: Array) -> Array:
    """The bins of boxes [R, 4] on one map of stride 16, of one picture of `sizes` [1, 2] pixels."""
    shape = FeatureShape(features.shape[1], STRIDE)

    def trace(
        op: Any, features: ir.Value, boxes: ir.Value, sizes: ir.Value, pixels: ir.Value
    ) -> list[ir.Value]:
        feature_map = FeatureMap(features, shape, grid(op, pixels, sizes, STRIDE))
        pictures = op.Expand(op.Cast(0, to=ir.DataType.INT64), op.Shape(boxes, start=0, end=1))
        maps = pooler.bordered(op, [feature_map], PRECISIONS["fp32"])
        return [pooler.pool(op, maps, boxes, pictures, PRECISIONS["fp32"])]

    rows, columns = features.shape[2:]
    pixels = np.zeros((len(features), 3, STRIDE * rows, STRIDE * columns), np.float32)
    [found] = run_graph(trace, features, boxes, sizes, pixels)
    return found


def roi_align(pooler: ROIPooler, features: Array, boxes: Array) -> Array:
    """The bins of boxes [R, 4] by torchvision's definition, sample by sample, in fp64."""
    rows, columns = features.shape[2:]
    aligned = pooler.pooler_type == "ROIAlignV2"
    pooled = np.zeros((len(boxes), features.shape[1], pooler.resolution, pooler.resolution))
    for number, box in enumerate(boxes.astype(np.float64) / STRIDE - 0.5 * aligned):
        samples = []
        for start, end, cells in ((box[1], box[3], rows), (box[0], box[2], columns)):
            length = end - start if aligned else max(end - start, 1.0)
            per_bin = pooler.sampling_ratio or max(int(np.ceil(length / pooler.resolution)), 1)
            places = (np.arange(pooler.resolution * per_bin) + 0.5) / (pooler.resolution * per_bin)
            at = start + places * length
            inside = (at >= -1) & (at <= cells)
            at = np.clip(at, 0, cells - 1)
            weights = np.maximum(1 - np.abs(at[:, None] - np.arange(cells)), 0) * inside[:, None]
            samples.append(weights.reshape(pooler.resolution, per_bin, cells).mean(1))
        pooled[number] = np.einsum("yh,chw,xw->cyx", samples[0], features[0], samples[1])
    return pooled.astype(np.float32)


def border_boxes(height: int, width: int) -> Array:
    """Boxes of many sizes that end at the borders of a picture, and a few within it."""
    boxes = []
    for size in (0.01, 0.5, 3.0, 7.9, 12.0, 15.99, 16.0, 20.0, 100.0):
        x, y = width / 3, height / 3
        boxes += [
            (width - size, y, width, y + size),
            (x, height - size, x + size, height),
            (width - size, height - size, width, height),
            (0, 0, size, size),
            (width - size, 0, width, height),
            (x, y, x + size, y + size),
        ]
    return np.asarray(boxes, np.float32)


@pytest.mark.parametrize("size", [(192, 288), (187, 281)])
@pytest.mark.parametrize("sampling_ratio", [0, 1, 2, 3])
@pytest.mark.parametrize("pooler_type", ["ROIAlignV2", "ROIAlign"])
def test_a_roi_at_the_border_reads_nothing_of_the_canvas_beyond(
    pooler_type: str, sampling_ratio: int, size: tuple[int, int]
) -> None:
    pooler = ROIPooler(7, pooler_type, sampling_ratio)
    rng = np.random.default_rng(0)
    picture = rng.normal(size=(1, 3, 12, 18)).astype(np.float32)
    boxes = border_boxes(*size)
    expected = roi_align(pooler, picture, boxes)
    for beyond in (0, 1, 2, 9):
        canvas = rng.normal(size=(1, 3, 12 + beyond, 18 + beyond)).astype(np.float32)
        canvas[:, :, :12, :18] = picture
        found = pool(pooler, canvas, boxes, np.array([size], np.float32))
        np.testing.assert_allclose(found, expected, atol=2e-5)


def test_boxes_at_the_edge_between_two_maps_are_pooled_where_detectron2_pools_them() -> None:
    boxes = edge_boxes()
    [found] = run_graph(lambda op, boxes: [box_levels(op, boxes, 2, 5)], boxes)
    expected = np.load(GOLDENS / "variants.npz")["edge_boxes.levels"]
    assert set(expected) == {2, 3, 4, 5}
    np.testing.assert_array_equal(found[:, 0], expected)
