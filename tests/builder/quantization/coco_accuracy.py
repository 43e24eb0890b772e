"""Average precision of a network on pictures, by the served models' own functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from boxes import boxes_in_original, nonempty
from paste import paste_mask
from PIL import Image
from rle import compressed_rle

from builder.network import ModelConfig
from builder.quantization.pictures import network_inputs
from client.coco.average_precision import evaluate_results
from client.coco.dataset import CocoDataset, CocoImage


def accuracy(dataset: CocoDataset, results: Sequence[dict[str, Any]]) -> dict[str, float]:
    """AP of boxes ("bbox") and masks ("segm")."""
    found = {}
    for task in ("bbox", "segm"):
        value = evaluate_results(dataset.ground_truth, results, task).values["AP"]
        assert value is not None
        found[task] = value
    return found


def detect(network: bytes, config: ModelConfig, dataset: CocoDataset) -> list[dict[str, Any]]:
    """What a network finds in the pictures, in COCO's result format."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # as the served model has it
    session = ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    category_ids = sorted(dataset.categories)
    return [
        result
        for image in dataset.images
        for result in _results(session, config, image, category_ids)
    ]


def _results(
    session: ort.InferenceSession,
    config: ModelConfig,
    image: CocoImage,
    category_ids: Sequence[int],
) -> Iterator[dict[str, Any]]:
    inputs = network_inputs(image.path, config)
    names = [output.name for output in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, inputs), strict=True))
    count = outputs["num_detections"][0, 0]
    with Image.open(image.path) as picture:
        width, height = picture.size
    boxes = boxes_in_original(
        outputs["boxes"][0, :count], inputs["image_size"][0], np.array([height, width], np.int32)
    )
    for i in np.flatnonzero(nonempty(boxes)):
        mask = paste_mask(outputs["mask_probs"][0, i], boxes[i], height, width)
        x0, y0, x1, y1 = boxes[i].tolist()
        yield {
            "image_id": image.id,
            "category_id": category_ids[outputs["classes"][0, i]],
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "score": float(outputs["scores"][0, i]),
            "segmentation": {
                "size": [height, width],
                "counts": compressed_rle(mask, height, width).decode(),
            },
        }
