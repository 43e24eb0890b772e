"""ONNX's operators in PyTorch, as far as the network has them.

An operator is a function of its node's attributes and inputs. Inputs are tensors, and numbers where
ONNX has a tensor of one; sizes, axes and the like, which the graph fixes, are `Known`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

Known = np.ndarray
"""A value that does not depend on the pictures, such as a size, an axis or a weight."""

Attributes = Mapping[str, Any]
Operator = Callable[..., Any]

DTYPES = {
    1: torch.float32,
    2: torch.uint8,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
}
"""By ONNX's TensorProto.DataType."""


RESIZE_MODES = {
    (b"nearest", b"asymmetric"): ("nearest", None),
    (b"linear", b"half_pixel"): ("bilinear", False),
}
"""PyTorch's mode and align_corners by ONNX's mode and coordinates; for maps, to larger ones."""


def _numbers(known: Known) -> list[int]:
    return [int(number) for number in known.reshape(-1)]


def _extremum(tensor: Operator, number: str) -> Operator:
    """Min or Max: of two tensors, or of a tensor and a number."""

    def operator(_: Attributes, first: Any, second: Any) -> torch.Tensor:
        if not isinstance(first, torch.Tensor):
            first, second = second, first
        if isinstance(second, torch.Tensor):
            return tensor(first, second)
        return torch.clamp(first, **{number: second})

    return operator


def _div(_: Attributes, first: Any, second: Any) -> torch.Tensor:
    one = first if isinstance(first, torch.Tensor) else second
    if one.is_floating_point():
        return first / second
    return torch.div(first, second, rounding_mode="trunc")


def _gemm(attributes: Attributes, a: torch.Tensor, b: torch.Tensor, c: Any = None) -> torch.Tensor:
    a = a.t() if attributes.get("transA") else a
    b = b.t() if attributes.get("transB") else b
    return torch.mm(a, b) if c is None else torch.addmm(c, a, b)


def _conv(
    attributes: Attributes, x: torch.Tensor, weight: torch.Tensor, bias: Any = None
) -> torch.Tensor:
    return F.conv2d(
        x,
        weight,
        bias,
        attributes.get("strides", (1, 1)),
        _symmetric(attributes.get("pads", (0, 0, 0, 0))),
        attributes.get("dilations", (1, 1)),
        attributes.get("group", 1),
    )


def _conv_transpose(
    attributes: Attributes, x: torch.Tensor, weight: torch.Tensor, bias: Any = None
) -> torch.Tensor:
    return F.conv_transpose2d(
        x,
        weight,
        bias,
        attributes.get("strides", (1, 1)),
        _symmetric(attributes.get("pads", (0, 0, 0, 0))),
    )


def _max_pool(attributes: Attributes, x: torch.Tensor) -> torch.Tensor:
    pads = _symmetric(attributes.get("pads", (0, 0, 0, 0)))
    return F.max_pool2d(x, attributes["kernel_shape"], attributes.get("strides", (1, 1)), pads)


def _symmetric(pads: Sequence[int]) -> list[int]:
    before, after = list(pads[:2]), list(pads[2:])
    if before != after:
        raise NotImplementedError(f"padding {before} before and {after} after")
    return before


def _reshape(_: Attributes, x: torch.Tensor, shape: Known) -> torch.Tensor:
    return x.reshape([x.shape[axis] if n == 0 else n for axis, n in enumerate(_numbers(shape))])


def _squeeze(_: Attributes, x: torch.Tensor, axes: Known) -> torch.Tensor:
    return x.squeeze(_numbers(axes))


def _unsqueeze(_: Attributes, x: torch.Tensor, axes: Known) -> torch.Tensor:
    rank = x.ndim + axes.size
    for axis in sorted(axis % rank for axis in _numbers(axes)):
        x = x.unsqueeze(axis)
    return x


def _slice(
    _: Attributes, x: torch.Tensor, starts: Known, ends: Known, axes: Any = None, steps: Any = None
) -> torch.Tensor:
    count = starts.size
    parts = [slice(None)] * x.ndim
    for axis, start, end, step in zip(
        range(count) if axes is None else _numbers(axes),
        _numbers(starts),
        _numbers(ends),
        [1] * count if steps is None else _numbers(steps),
        strict=True,
    ):
        parts[axis] = slice(start, end, step)
    return x[tuple(parts)]


def _expand(_: Attributes, x: torch.Tensor, shape: Known) -> torch.Tensor:
    return x.expand(torch.broadcast_shapes(x.shape, tuple(_numbers(shape))))


def _gather(attributes: Attributes, x: torch.Tensor, indices: Any) -> torch.Tensor:
    axis = attributes.get("axis", 0)
    if not isinstance(indices, torch.Tensor):
        return x.select(axis, indices)
    found = x.index_select(axis, indices.reshape(-1))
    return found.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


def _gather_nd(attributes: Attributes, x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    batch_dims = attributes.get("batch_dims", 0)
    last = indices.unbind(-1)
    if batch_dims == 0:
        return x[last]
    if batch_dims != 1:
        raise NotImplementedError(f"GatherND with batch_dims {batch_dims}")
    row = torch.arange(len(x), device=x.device)
    places = row.reshape([-1] + [1] * (last[0].ndim - 1)), *last
    return x[places]


def _scatter_nd(
    _: Attributes, x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor
) -> torch.Tensor:
    return x.index_put(indices.unbind(-1), updates)


def _reduce(function: Operator) -> Operator:
    def operator(attributes: Attributes, x: torch.Tensor, axes: Any = None) -> torch.Tensor:
        if axes is None:
            axes = np.array(attributes.get("axes", range(x.ndim)))
        return function(x, dim=_numbers(axes), keepdim=bool(attributes.get("keepdims", 1)))

    return operator


def _sum(x: torch.Tensor, dim: list[int], keepdim: bool) -> torch.Tensor:
    """In the type of `x`, where PyTorch would take a wider one."""
    return torch.sum(x, dim, keepdim, dtype=x.dtype)


def _resize(attributes: Attributes, x: torch.Tensor, _roi: Any, scales: Known) -> torch.Tensor:
    how = attributes["mode"], attributes["coordinate_transformation_mode"]
    if how not in RESIZE_MODES:
        raise NotImplementedError(f"Resize with {how}")
    mode, align_corners = RESIZE_MODES[how]
    return F.interpolate(x, None, scales[2:].tolist(), mode, align_corners)


def _roi_align(
    attributes: Attributes, x: torch.Tensor, boxes: torch.Tensor, pictures: torch.Tensor
) -> torch.Tensor:
    from torchvision.ops import roi_align

    return roi_align(
        x,
        torch.cat([pictures.to(boxes.dtype).unsqueeze(1), boxes], dim=1),
        (attributes["output_height"], attributes["output_width"]),
        attributes["spatial_scale"],
        attributes["sampling_ratio"] or -1,
        attributes["coordinate_transformation_mode"] == b"half_pixel",
    )


OPERATORS: dict[str, Operator] = {
    "Abs": lambda _, x: x.abs(),
    "Add": lambda _, x, y: x + y,
    "And": lambda _, x, y: x & y,
    "Cast": lambda attributes, x: x.to(DTYPES[attributes["to"]]),
    "Ceil": lambda _, x: x.ceil(),
    "Concat": lambda attributes, *parts: torch.cat(parts, attributes["axis"]),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "CumSum": lambda _, x, axis: x.cumsum(axis, dtype=x.dtype),
    "Div": _div,
    "Equal": lambda _, x, y: x == y,
    "Exp": lambda _, x: x.exp(),
    "Expand": _expand,
    "Flatten": lambda attributes, x: x.flatten(attributes.get("axis", 1)),
    "Floor": lambda _, x: x.floor(),
    "Gather": _gather,
    "GatherND": _gather_nd,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "Greater": lambda _, x, y: x > y,
    "GreaterOrEqual": lambda _, x, y: x >= y,
    "Identity": lambda _, x: x,
    "Less": lambda _, x, y: x < y,
    "LessOrEqual": lambda _, x, y: x <= y,
    "Log": lambda _, x: x.log(),
    "MatMul": lambda _, x, y: x @ y,
    "Max": _extremum(torch.maximum, "min"),
    "MaxPool": _max_pool,
    "Min": _extremum(torch.minimum, "max"),
    "Mod": lambda _, x, y: torch.remainder(x, y),
    "Mul": lambda _, x, y: x * y,
    "Neg": lambda _, x: -x,
    "Not": lambda _, x: ~x,
    "Or": lambda _, x, y: x | y,
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceMin": _reduce(torch.amin),
    "ReduceSum": _reduce(_sum),
    "Relu": lambda _, x: x.relu(),
    "Reshape": _reshape,
    "Resize": _resize,
    "RoiAlign": _roi_align,
    "ScatterElements": lambda attributes, x, i, u: x.scatter(attributes.get("axis", 0), i, u),
    "ScatterND": _scatter_nd,
    "Sigmoid": lambda _, x: x.sigmoid(),
    "Slice": _slice,
    "Softmax": lambda attributes, x: x.softmax(attributes.get("axis", -1)),
    "Split": lambda attributes, x: x.chunk(attributes["num_outputs"], attributes.get("axis", 0)),
    "Sqrt": lambda _, x: x.sqrt(),
    "Squeeze": _squeeze,
    "Sub": lambda _, x, y: x - y,
    "TopK": lambda attributes, x, k: x.topk(int(k[0]), attributes.get("axis", -1)),
    "Transpose": lambda attributes, x: x.permute(attributes["perm"]),
    "Unsqueeze": _unsqueeze,
    "Where": lambda _, chosen, x, y: torch.where(chosen, x, y),
}

SETTINGS = {
    "Expand": (1,),
    "ReduceMax": (1,),
    "ReduceMean": (1,),
    "ReduceMin": (1,),
    "ReduceSum": (1,),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Squeeze": (1,),
    "TopK": (1,),
    "Unsqueeze": (1,),
}
"""Which inputs an operator takes as `Known`; all others it takes as tensors or numbers."""
