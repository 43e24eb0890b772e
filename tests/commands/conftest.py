"""What the commands are given when nothing is wrong with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from server.launch import TritonServer
from tests.client.videos import write_video
from tests.commands.command import run_here
from tests.conftest import DEMO

PICTURES = 3


@dataclass(frozen=True)
class Given:
    """A data set of some of the demo's pictures, and evaluations of it by the demo's model."""

    server: TritonServer
    repository: Path
    images: Path
    annotations: Path
    videos: Path
    evaluation: Path
    """The output of the whole."""
    shards: tuple[Path, Path]
    """The outputs of two halves."""

    @property
    def connection(self) -> list[str]:
        return ["--url", self.server.grpc_url, "--timeout", "30", "--retry-for", "5"]

    def figures(self) -> dict[str, dict[str, float | None]]:
        """Of the evaluation of the whole, by task."""
        return figures_of(self.evaluation)


def figures_of(output: Path) -> dict[str, dict[str, float | None]]:
    """What an evaluation wrote, by "bbox" and "segm"."""
    summary = json.loads((output / "summary.json").read_text())
    return {task: summary[task] for task in ("bbox", "segm") if task in summary}


@pytest.fixture(scope="session")
def given(
    demo_server: TritonServer, demo_repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Given:
    folder = tmp_path_factory.mktemp("given")
    whole = json.loads((DEMO / "val" / "instances.json").read_text())
    images = whole["images"][:PICTURES]
    ids = {image["id"] for image in images}
    found = [each for each in whole["annotations"] if each["image_id"] in ids]
    (folder / "images").mkdir()
    for image in images:
        shutil.copy(DEMO / "val" / "images" / image["file_name"], folder / "images")
    (folder / "videos").mkdir()
    frames = [np.asarray(Image.new("RGB", (320, 240), color)) for color in ("red", "blue")]
    for name, codec in (("x.mp4", "libx264"), ("x.avi", "mpeg4"), ("x.mkv", "mjpeg")):
        write_video(folder / "videos" / name, frames * 10, codec)
    annotations = folder / "instances.json"
    annotations.write_text(json.dumps({**whole, "images": images, "annotations": found}))
    given = Given(
        demo_server,
        demo_repository,
        folder / "images",
        annotations,
        folder / "videos",
        folder / "evaluation",
        (folder / "shard_1", folder / "shard_2"),
    )
    data = ["--images", str(given.images), "--annotations", str(annotations)]
    for output, further in (
        (given.evaluation, []),
        *((shard, ["--shard", f"{n}/2"]) for n, shard in enumerate(given.shards, 1)),
    ):
        evaluation = ["evaluate", *given.connection, *data, *further, "--output", str(output)]
        assert run_here("client", evaluation).code == 0
    return given
