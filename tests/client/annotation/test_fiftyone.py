"""FiftyOne's own `apply_model`, on samples in memory: its data sets need a database, MongoDB."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from server.launch import TritonServer
from tests.client.conftest import Demo

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv" / "fiftyone" / "bin" / "python"

PICTURES = 3

APPLY = """
import json
import sys
from contextlib import nullcontext
from types import SimpleNamespace

url, pictures, clone, packages = sys.argv[1], json.loads(sys.argv[2]), *sys.argv[3:]
sys.path[:0] = [clone]
sys.path.append(packages)

import fiftyone
import fiftyone.core.collections
from fiftyone.core.models import apply_model

from client import Detector
from client.annotation.fiftyone import ServedModel


class Samples(fiftyone.core.collections.SampleCollection):
    media_type = "image"
    _dataset = SimpleNamespace(_is_frames=False)

    def __init__(self, samples):
        self.samples = samples

    def __iter__(self):
        return iter(self.samples)

    def __len__(self):
        return len(self.samples)

    def select_fields(self, *fields):
        return self


saving = SimpleNamespace(save=lambda sample: None)
fiftyone.core.collections.SaveContext = lambda samples: nullcontext(saving)

samples = Samples([fiftyone.Sample(filepath=picture) for picture in pictures])
with Detector(url) as detector:
    model = ServedModel(detector)
    for options in ({}, {"batch_size": 2}, {"confidence_thresh": 0.95, "batch_size": 16}):
        apply_model(samples, model, skip_failures=False, progress=False, **options)
        print(json.dumps([[
            [label.label, label.confidence, *label.bounding_box, *label.mask.shape]
            for label in sample.predictions.detections
        ] for sample in samples]))
"""


@pytest.mark.skipif(not PYTHON.exists(), reason="`make test-tools` installs FiftyOne")
def test_samples_gain_predictions(demo_server: TritonServer, demo: Demo) -> None:
    images = demo.content["images"][:PICTURES]
    pictures = json.dumps([str(demo.images / image["file_name"]) for image in images])
    paths = [str(ROOT), sysconfig.get_path("purelib")]
    done = subprocess.run(
        [PYTHON, "-c", APPLY, demo_server.grpc_url, pictures, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = {category["id"]: category["name"] for category in demo.content["categories"]}
    for line, threshold in zip(done.stdout.splitlines(), (0.5, 0.5, 0.95), strict=True):
        for image, labels in zip(images, json.loads(line), strict=True):
            width, height = image["width"], image["height"]
            results = [
                result
                for result in demo.results
                if result["image_id"] == image["id"] and result["score"] >= threshold
            ]
            for label, result in zip(labels, results, strict=True):
                name, score, *box, rows, columns = label
                assert (name, score) == (
                    names[result["category_id"]],
                    pytest.approx(result["score"], abs=1e-3),
                )
                pixels = [part * size for part, size in zip(box, [width, height] * 2, strict=True)]
                assert pixels == pytest.approx(result["bbox"], abs=0.1)
                assert (columns, rows) == pytest.approx(result["bbox"][2:], abs=2)
