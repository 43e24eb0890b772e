from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perf.connection import Connection
from perf.errors import PerfError
from perf.input_data import choose_pictures, inputs_of
from perf.recorded.repository import fill_all_places
from perf.runner.target import own_server
from perf.scenario import load_scenario
from server.launch import TritonServer

PLACES = 5


def answer(*scores: float) -> dict[str, np.ndarray]:
    padded = np.zeros((1, PLACES), np.float32)
    padded[0, : len(scores)] = scores
    return {
        "num_detections": np.array([[len(scores)]], np.int32),
        "scores": padded,
        "boxes": np.repeat(padded[:, :, None], 4, axis=2),
        "image_size": np.array([[288, 480]], np.int32),
    }


def test_detections_are_repeated_until_every_place_is_taken() -> None:
    (full,) = fill_all_places([answer(0.9, 0.5)])
    assert full["num_detections"].tolist() == [[PLACES]]
    assert full["scores"][0] == pytest.approx([0.9, 0.5, 0.9, 0.5, 0.9])
    assert full["boxes"].shape == (1, PLACES, 4)
    assert full["boxes"][0, :, 2] == pytest.approx(full["scores"][0])
    assert full["image_size"].tolist() == [[288, 480]]


def test_a_picture_without_detections_takes_those_of_the_one_with_most() -> None:
    full = fill_all_places([answer(), answer(0.7), answer(0.3, 0.2)])
    assert full[0]["scores"][0] == pytest.approx([0.3, 0.2, 0.3, 0.2, 0.3])


def test_without_any_detection_there_is_nothing_to_repeat() -> None:
    with pytest.raises(PerfError, match="detected nothing"):
        fill_all_places([answer(), answer()])


def test_the_recorded_network_is_served_with_the_real_ones_answers(
    demo_repository: Path,
    demo_server: TritonServer,
    scenario_file: Callable[..., Path],
    tmp_path: Path,
) -> None:
    path = scenario_file("concurrency: 1", "network: recorded", "pictures: 1")
    scenario = load_scenario(path, repository=demo_repository, model_config_name="onnxruntime")
    pictures = choose_pictures(scenario.images, scenario.pictures)
    with Connection(demo_server.grpc_url, scenario.names) as real:
        requests = [inputs_of(real, "mask_rcnn", picture) for picture in pictures]
        expected = [real.infer("mask_rcnn", request) for request in requests]
        real_config = real.model_config("mask_rcnn_network")
    with own_server(scenario, pictures, tmp_path / "log") as target:
        config = target.connection.model_config("mask_rcnn_network")
        got = [target.connection.infer("mask_rcnn", request) for request in requests]
    for unchanged in ("dynamic_batching", "max_batch_size", "input", "output"):
        assert config[unchanged] == real_config[unchanged]
    assert sum(group["count"] for group in config["instance_group"]) == 2
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name])
    assert got[0]["num_detections"][0, 0] > 0
