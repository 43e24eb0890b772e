"""Answers of ONNX Runtime on the CPU, through the served code of pre- and postprocess."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from artifact.names import ModelNames
from artifact.reference import ReferenceAnswer, ReferenceDetection
from artifact.telemetry import disable_telemetry
from builder.network import ModelConfig
from builder.repository.canvases import canvases
from builder.repository.categories import Category
from builder.repository.served_code import served_module

disable_telemetry()

import onnxruntime  # noqa: E402

PICTURES = ("landscape.png", "portrait.png")
"""Beside this file: two scenes of `demo/val`, 000007 and 000031, scaled to 200 pixels in 64
colours. They are the project's own, small enough to travel in a parameter, and full of shapes,
of which a detector should take some for its own objects at scores above 0.05."""

MOST_DETECTIONS = 20

Outputs = dict[str, npt.NDArray[Any]]

_decode, _resize, _canvas = (
    served_module(ModelNames().preprocess, name) for name in ("decode", "resize", "canvas")
)
_boxes, _paste, _rle, _keypoints = (
    served_module(ModelNames().postprocess, name) for name in ("boxes", "paste", "rle", "keypoints")
)


def record_answers(
    network: bytes, config: ModelConfig, categories: Sequence[Category]
) -> tuple[ReferenceAnswer, ...]:
    """What the network finds in `PICTURES`: half a second for a small one, up to 14 at full size.

    Args:
        network: the ONNX model, as `builder.network.export_onnx` makes it.
        config: what it was made of.
        categories: one for each of its classes.
    """
    options = onnxruntime.SessionOptions()
    # As it is served: see model_repository/mask_rcnn_network/1/model.py.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # The arena would double what C4 takes at full size: 15 GB instead of 8.
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return tuple(
        _answer(session, Path(__file__).with_name(name).read_bytes(), config, categories)
        for name in PICTURES
    )


def _answer(
    session: Any, picture: bytes, config: ModelConfig, categories: Sequence[Category]
) -> ReferenceAnswer:
    image = _decode.decode_image(picture)
    size = _resize.resized_size(
        image.height, image.width, config.input.min_size_test, config.input.max_size_test
    )
    canvas = _canvas.smallest_canvas([size], canvases(config))
    pixels = _canvas.draw_canvas([image], [size], canvas, _resize.resize_with_pillow)
    image_size = np.array(size, np.int32)
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, {"canvas": pixels, "image_size": image_size[None]})
    found = dict(zip(names, outputs, strict=True))
    original_size = np.array([image.height, image.width], np.int32)
    detections = tuple(_detections(found, image_size, original_size, categories))
    return ReferenceAnswer(
        picture=base64.b64encode(picture).decode(),
        image_size=size,
        pixels_sha256=hashlib.sha256(pixels[0, : size[0], : size[1]].tobytes()).hexdigest(),
        num_detections=len(detections),
        detections=detections[:MOST_DETECTIONS],
    )


def _detections(
    found: Outputs,
    image_size: npt.NDArray[np.int32],
    original_size: npt.NDArray[np.int32],
    categories: Sequence[Category],
) -> Iterator[ReferenceDetection]:
    """Those of the network's outputs for one picture, as postprocess answers them."""
    count = int(found["num_detections"][0, 0])
    boxes = _boxes.boxes_in_original(found["boxes"][0, :count], image_size, original_size)
    kept = np.flatnonzero(_boxes.nonempty(boxes))
    points = None
    if "keypoint_logits" in found:
        points = _keypoints.keypoints_in_original(
            found["keypoint_logits"][0, kept],
            found["keypoint_normalizers"][0, kept],
            found["boxes"][0, kept],
            image_size,
            original_size,
        )
    height, width = original_size.tolist()
    for place, n in enumerate(kept):
        mask = None
        if "mask_probs" in found:
            pasted = _paste.paste_mask(found["mask_probs"][0, n], boxes[n], height, width)
            mask = _rle.compressed_rle(pasted, height, width).decode()
        yield ReferenceDetection(
            box=_rounded(boxes[n], 4),
            score=round(float(found["scores"][0, n]), 6),
            category_id=categories[found["classes"][0, n]].id,
            mask=mask,
            keypoints=None if points is None else tuple(_rounded(p, 4) for p in points[place]),
        )


def _rounded(numbers: npt.NDArray[np.float32], digits: int) -> tuple[float, ...]:
    return tuple(round(number, digits) for number in numbers.tolist())
