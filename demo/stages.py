"""A picture at the stages of its way, as docs/picture.md shows it. Run as `python -m demo.stages`.

Six panels, row by row: the picture as it is sent; its canvas; a feature map; the proposals; the
boxes that are left, each with the network's mask; the answer's masks.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from PIL import Image, ImageDraw

from artifact.names import ModelNames
from artifact.telemetry import disable_telemetry
from builder.network import export_onnx, load_config, network_spec
from builder.repository.canvases import canvases
from builder.repository.served_code import served_module
from builder.weights.load import load_weights

disable_telemetry()

import onnxruntime  # noqa: E402

DEMO = Path(__file__).parent
MODEL = DEMO / "mask_rcnn_R_50_FPN_shapes"
PICTURE = DEMO / "val/images/000007.jpg"
FIGURE = DEMO.parent / "docs/stages.webp"

QUALITY = 85
"""WebP's: noise makes a PNG ten times as large."""
COLUMNS = 3
GAP = 8
"""Pixels between panels, which are transparent."""
BEST_PROPOSALS = 60
FRAME = (128, 128, 128, 255)
"""Seen round a black canvas on a black page."""
SCORE = 0.5
"""Detections above it are shown."""
COLORS = np.array([(255, 82, 82), (64, 196, 255), (105, 240, 174), (255, 215, 64), (224, 64, 251)])

_decode, _resize, _canvas = (
    served_module(ModelNames().preprocess, name) for name in ("decode", "resize", "canvas")
)
_boxes, _paste = (served_module(ModelNames().postprocess, name) for name in ("boxes", "paste"))

Pixels = npt.NDArray[np.uint8]
Values = dict[str, npt.NDArray[Any]]


def figure() -> bytes:
    """A WebP file."""
    config = load_config(MODEL.with_suffix(".yaml"))
    picture = _decode.decode_image(PICTURE.read_bytes())
    size = _resize.resized_size(
        picture.height, picture.width, config.input.min_size_test, config.input.max_size_test
    )
    canvas = _canvas.smallest_canvas([size], canvases(config))
    pixels = _canvas.draw_canvas([picture], [size], canvas, _resize.resize_with_pillow)
    found = _values(config, {"canvas": pixels, "image_size": np.array([size], np.int32)})
    sent, on_canvas = np.asarray(picture), np.ascontiguousarray(pixels[0, ..., ::-1])
    panels = [
        sent,
        on_canvas,
        _feature_map(found["p2"][0], canvas),
        _with_boxes(on_canvas, found["proposals.boxes"][0, :BEST_PROPOSALS]),
        _with_network_masks(on_canvas, found),
        _with_masks(sent, found, size),
    ]
    file = io.BytesIO()
    _side_by_side(panels).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def _values(config: Any, inputs: Values) -> Values:
    """The network's outputs and, by the names that its parts give them, what is on the way."""
    weights = load_weights(MODEL.with_suffix(".pkl"), network_spec(config).parameters)
    network = export_onnx(config, weights)
    network.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in ("p2", "proposals.boxes")
    )
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def _feature_map(values: npt.NDArray[np.float32], canvas: tuple[int, int]) -> Pixels:
    """The mean magnitude of each cell [C, H, W], as large as its part of the canvas."""
    magnitude = np.abs(values).mean(0)
    grey = (255 * magnitude / magnitude.max()).astype(np.uint8)
    image = Image.fromarray(grey).resize(canvas[::-1], Image.Resampling.NEAREST)
    return np.asarray(image.convert("RGB"))


def _with_boxes(pixels: Pixels, boxes: npt.NDArray[np.float32]) -> Pixels:
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for number, box in enumerate(boxes.tolist()):
        draw.rectangle(box, outline=_color(number))
    return np.asarray(image)


def _with_network_masks(pixels: Pixels, found: Values) -> Pixels:
    """Each cell of a mask as a rectangle, as bright as it is probable."""
    image = Image.fromarray(pixels // 3)
    draw = ImageDraw.Draw(image)
    for number in _shown(found):
        box = found["boxes"][0, number]
        corner, (width, height) = box[:2], (box[2:] - box[:2]).round().astype(int)
        mask = Image.fromarray((255 * found["mask_probs"][0, number]).astype(np.uint8))
        mask = mask.resize((width, height), Image.Resampling.NEAREST)
        image.paste(_color(number), tuple(corner.round().astype(int)), mask)
        draw.rectangle(box.tolist(), outline=_color(number))
    return np.asarray(image)


def _with_masks(pixels: Pixels, found: Values, size: tuple[int, int]) -> Pixels:
    pixels = pixels.copy()
    original = np.array(pixels.shape[:2])
    boxes = _boxes.boxes_in_original(found["boxes"][0], np.array(size), original)
    for number in reversed(_shown(found)):
        crop = _paste.paste_mask(found["mask_probs"][0, number], boxes[number], *original.tolist())
        mask = crop.columns.T
        area = pixels[crop.y : crop.y + mask.shape[0], crop.x : crop.x + mask.shape[1]]
        area[mask] = area[mask] // 4 + np.array(_color(number), np.uint8) // 4 * 3
    return _with_boxes(pixels, boxes[_shown(found)])


def _shown(found: Values) -> list[int]:
    return np.flatnonzero(found["scores"][0] > SCORE).tolist()


def _color(number: int) -> tuple[int, ...]:
    return tuple(COLORS[number % len(COLORS)].tolist())


def _side_by_side(panels: list[Pixels]) -> Image.Image:
    """Each at the top left of its place, the places as large as the largest."""
    height, width = (max(panel.shape[axis] for panel in panels) for axis in (0, 1))
    rows = -(-len(panels) // COLUMNS)
    figure = Image.new("RGBA", (COLUMNS * (width + GAP) - GAP, rows * (height + GAP) - GAP))
    draw = ImageDraw.Draw(figure)
    for number, panel in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        left, top = column * (width + GAP), row * (height + GAP)
        figure.paste(Image.fromarray(panel), (left, top))
        right, bottom = left + panel.shape[1] - 1, top + panel.shape[0] - 1
        draw.rectangle((left, top, right, bottom), outline=FRAME)
    return figure


if __name__ == "__main__":
    FIGURE.write_bytes(figure())
    print(f"drawn: {FIGURE}")
