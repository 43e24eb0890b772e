"""detectron2's own evaluation loop and model, timed; run by `python -m perf side-by-side`.

It needs detectron2, PyTorch and a GPU, and nothing of this project, so it runs under whatever
Python has them. The last line on stdout is a JSON object of figures.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time

import torch
from detectron2 import __version__ as detectron2_version
from detectron2.checkpoint import DetectionCheckpointer
from detectron2.config import get_cfg
from detectron2.data import DatasetMapper, build_detection_test_loader, detection_utils
from detectron2.data.catalog import DatasetCatalog
from detectron2.data.datasets import register_coco_instances
from detectron2.data.transforms import ResizeShortestEdge
from detectron2.evaluation import COCOEvaluator
from detectron2.modeling import build_model

WARM_UP = 20
"""Pictures, or calls of the model, before the clock starts."""


def autocast(precision: str) -> contextlib.AbstractContextManager[object]:
    if precision == "fp16":
        return torch.autocast("cuda", torch.float16)
    return contextlib.nullcontext()


def evaluation_loop(cfg, model, pictures, workers: int, precision: str) -> float:  # type: ignore[no-untyped-def]
    """Pictures per second from JPEG files to results in COCO's format, one picture at a time."""
    mapper = DatasetMapper(cfg, is_train=False)
    loader = build_detection_test_loader(pictures, mapper=mapper, num_workers=workers)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad(), autocast(precision):
        evaluator = COCOEvaluator("side_by_side", output_dir=folder)
        evaluator.reset()
        started = 0.0
        for index, inputs in enumerate(loader):
            if index == WARM_UP:
                torch.cuda.synchronize()
                started = time.perf_counter()
            evaluator.process(inputs, model(inputs))
        torch.cuda.synchronize()
        return (len(loader) - WARM_UP) / (time.perf_counter() - started)


def model_only(cfg, model, pictures, batch: int, precision: str) -> float:  # type: ignore[no-untyped-def]
    """Median milliseconds for a batch of pictures that are in memory, resized."""
    resize = ResizeShortestEdge(cfg.INPUT.MIN_SIZE_TEST, cfg.INPUT.MAX_SIZE_TEST)
    inputs = []
    for record in pictures[:batch]:
        picture = detection_utils.read_image(record["file_name"], format=cfg.INPUT.FORMAT)
        resized = resize.get_transform(picture).apply_image(picture)
        tensor = torch.as_tensor(resized.transpose(2, 0, 1).astype("float32"))
        inputs.append({"image": tensor, "height": picture.shape[0], "width": picture.shape[1]})
    times = []
    with torch.no_grad(), autocast(precision):
        for _ in range(WARM_UP + 20):
            torch.cuda.synchronize()
            started = time.perf_counter()
            model.inference(inputs, do_postprocess=False)
            torch.cuda.synchronize()
            times.append(1e3 * (time.perf_counter() - started))
    return sorted(times[WARM_UP:])[10]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("config", "weights", "images", "annotations"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--pictures", type=int, required=True)
    options = parser.parse_args()

    cfg = get_cfg()
    cfg.merge_from_file(options.config)
    register_coco_instances("side_by_side", {}, options.annotations, options.images)
    pictures = DatasetCatalog.get("side_by_side")[: options.pictures]
    model = build_model(cfg).eval()
    DetectionCheckpointer(model).load(options.weights)
    figures: dict[str, object] = {
        "detectron2": detectron2_version,
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name(),
        "workers": options.workers,
        "pictures": len(pictures),
    }
    for precision in ("fp32", "fp16"):
        figures[precision] = {
            "images_per_second": evaluation_loop(cfg, model, pictures, 0, precision),
            "images_per_second_with_workers": evaluation_loop(
                cfg, model, pictures, options.workers, precision
            ),
            "model_ms_batch_1": model_only(cfg, model, pictures, 1, precision),
            "model_ms_batch_8": model_only(cfg, model, pictures, 8, precision),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
