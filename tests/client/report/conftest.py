"""Evaluations of the demo, of detectron2's own results, in folders of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DEMO
from tests.finished_evaluation import identity, write_evaluation

IMAGES, ANNOTATIONS = DEMO / "val/images", DEMO / "val/instances.json"
CONTENT: dict[str, Any] = json.loads(ANNOTATIONS.read_text())


def demo_results(model: str) -> list[dict[str, Any]]:
    """detectron2's, of "C4" or "FPN"."""
    return json.loads((DEMO / f"mask_rcnn_R_50_{model}_shapes.results.json").read_text())


def evaluated(folder: Path, model: str) -> Path:
    return write_evaluation(
        folder,
        IMAGES,
        ANNOTATIONS,
        demo_results(model),
        identity(CONTENT["categories"], name=model.lower()),
    )


@pytest.fixture(scope="session")
def c4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(tmp_path_factory.mktemp("evaluations") / "c4", "C4")


@pytest.fixture(scope="session")
def fpn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(tmp_path_factory.mktemp("evaluations") / "fpn", "FPN")
