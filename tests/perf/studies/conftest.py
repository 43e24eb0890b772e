from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

DEMO_VAL = Path(__file__).parents[3] / "demo" / "val"


class DataSet(NamedTuple):
    """Pictures and their COCO-format annotations."""

    images: Path
    annotations: Path

    @property
    def options(self) -> list[str]:
        """Those by which a study is told of it."""
        return ["--images", str(self.images), "--annotations", str(self.annotations)]


@pytest.fixture
def two_pictures(tmp_path: Path) -> DataSet:
    """The first two pictures of the demo."""
    content = json.loads((DEMO_VAL / "instances.json").read_text())
    content["images"] = content["images"][:2]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] in ids]
    images, annotations = tmp_path / "images", tmp_path / "instances.json"
    images.mkdir()
    for image in content["images"]:
        shutil.copy(DEMO_VAL / "images" / image["file_name"], images)
    annotations.write_text(json.dumps(content))
    return DataSet(images, annotations)
