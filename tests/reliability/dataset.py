"""The demo's pictures as a COCO data set of any size."""

from __future__ import annotations

import json
from pathlib import Path

from tests.reliability.service import ROOT

DEMO = ROOT / "demo" / "val"
PICTURES = 128


def write_dataset(folder: Path, pictures: int) -> Path:
    """A COCO data set of so many pictures, the demo's in turn, in `folder`."""
    (folder / "images").symlink_to(DEMO / "images")
    content = json.loads((DEMO / "instances.json").read_text())
    turns = [
        (number, content["images"][number % len(content["images"])]) for number in range(pictures)
    ]
    annotations = [
        {**annotation, "image_id": number}
        for number, image in turns
        for annotation in content["annotations"]
        if annotation["image_id"] == image["id"]
    ]
    content["images"] = [{**image, "id": number} for number, image in turns]
    content["annotations"] = [{**each, "id": key} for key, each in enumerate(annotations, 1)]
    (folder / "instances.json").write_text(json.dumps(content))
    return folder
