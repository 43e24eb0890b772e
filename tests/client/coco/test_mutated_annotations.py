"""Data sets and results damaged at random are refused in words, or harmless to pycocotools."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.coco import cocoeval_process
from client.coco.average_precision import COMPARED
from client.coco.dataset import CocoDataset, load_annotations
from client.coco.result_format import CocoResult, fault_of_results
from client.coco.results import ResultsFile, describe_run
from client.errors import ClientError
from tests.client.coco.mutated_json import hostile, mutated
from tests.client.coco.small_dataset import HEIGHT, WIDTH, compressed, small_dataset

LONGEST_EVALUATION_S = 20
LONGEST_MESSAGE = 20_000

RESULTS: list[CocoResult] = [
    {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [4.0, 5.0, 19.0, 11.0],
        "score": 0.5,
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts},
        "keypoints": [6.0, 7.5, 0.9, 20.0, 9.0, 0.1],
    }
    for image_id in (9, 0)
    for category_id in (0, 7)
    for counts in (
        compressed(140, 500, HEIGHT * WIDTH - 640),
        compressed(500, 90, HEIGHT * WIDTH - 590),
    )
]


def loaded(folder: Path, content: Any) -> CocoDataset | None:
    """The data set; None where it was refused, and in words."""
    file = folder / "instances.json"
    file.write_text(json.dumps(content))
    try:
        return load_annotations(file, folder)
    except ClientError as error:
        refusal = str(error)
    assert str(file) in refusal
    assert len(refusal) < LONGEST_MESSAGE
    return None


class Pycocotools:
    """A process that evaluates, and may die of it or never end."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, its_end = context.Pipe()
        self._process = context.Process(target=serve, args=[its_end], daemon=True)
        self._process.start()
        its_end.close()

    def evaluate(self, dataset: CocoDataset, results: list[CocoResult]) -> dict[str, Any]:
        """By `bbox`, and by `segm` and `keypoints` where there are some."""
        ids = [image.id for image in dataset.images]
        kept = ("image_id", "category_id", "score")
        figures = {}
        points = dataset.keypoint_counts
        for iou_type, keys in COMPARED.items():
            if not all(keys[0] in result for result in results):
                continue
            if iou_type == "segm" and not dataset.has_segmentations:
                continue
            if iou_type == "keypoints" and (
                len(points) != 1
                or any(len(result["keypoints"]) != 3 * points[0] for result in results)
            ):
                continue
            given = [{name: result[name] for name in (*kept, *keys)} for result in results]
            sigmas = [0.1] * points[0] if iou_type == "keypoints" else None
            self._connection.send((dataset.ground_truth.content, given, iou_type, ids, sigmas))
            assert self._connection.poll(LONGEST_EVALUATION_S), "pycocotools hangs"
            try:
                figures[iou_type] = self._connection.recv()
            except EOFError:
                self._process.join()
                pytest.fail(f"pycocotools ended with {self._process.exitcode}")
        return figures

    def kill(self) -> None:
        self._process.kill()


def serve(connection: Connection) -> None:
    while True:
        connection.send(cocoeval_process.evaluate(*connection.recv()))


@pytest.fixture(scope="module")
def pycocotools() -> Iterator[Pycocotools]:
    process = Pycocotools()
    yield process
    process.kill()


def results_for(dataset: CocoDataset, results: list[CocoResult]) -> list[CocoResult]:
    """Those that could be answers for its pictures."""
    by_id = {image.id: image for image in dataset.images}
    return [
        result
        for result in results
        if result["image_id"] in by_id
        and fault_of_results(by_id[result["image_id"]], [result]) is None
    ]


def check_annotations(folder: Path, pycocotools: Pycocotools, content: Any) -> None:
    dataset = loaded(folder, content)
    if dataset is not None:
        pycocotools.evaluate(dataset, results_for(dataset, RESULTS))


SHARED_FOLDER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=150, deadline=None, suppress_health_check=SHARED_FOLDER)
@given(content=mutated(small_dataset()))
def test_mutated_annotations_are_refused_in_words_or_evaluated(
    tmp_path: Path, pycocotools: Pycocotools, content: Any
) -> None:
    check_annotations(tmp_path, pycocotools, content)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None, suppress_health_check=SHARED_FOLDER)
@given(content=mutated(small_dataset()))
def test_twenty_thousand_mutated_annotations_are_too(
    tmp_path: Path, pycocotools: Pycocotools, content: Any
) -> None:
    check_annotations(tmp_path, pycocotools, content)


@settings(max_examples=30, deadline=None, suppress_health_check=SHARED_FOLDER)
@given(data=st.data())
def test_keys_that_mean_nothing_change_no_figure(
    tmp_path: Path, pycocotools: Pycocotools, data: st.DataObject
) -> None:
    content = small_dataset()
    names = st.sampled_from(["ignore", "_ignore", "caption", "score", "extra", "note"])
    for section in ("images", "categories", "annotations"):
        for entry in content[section]:
            entry.update(data.draw(st.dictionaries(names, hostile, max_size=2)))
    content |= data.draw(st.dictionaries(names | st.just("info"), hostile))

    dataset, unchanged = loaded(tmp_path, content), loaded(tmp_path, small_dataset())

    assert dataset is not None
    assert unchanged is not None
    figures = pycocotools.evaluate(dataset, RESULTS)
    assert figures == pycocotools.evaluate(unchanged, RESULTS)
    assert all(figure["stats"][0] > 0 for figure in figures.values())


@settings(max_examples=150, deadline=None, suppress_health_check=SHARED_FOLDER)
@given(data=st.data())
def test_mutated_results_are_refused_in_words_or_evaluated(
    tmp_path: Path, pycocotools: Pycocotools, data: st.DataObject
) -> None:
    dataset = loaded(tmp_path, small_dataset())
    assert dataset is not None
    run = describe_run(dataset.pictures, {"mask_rcnn": {"outputs": ["keypoints", "masks"]}})
    image = dataset.images[0]
    image.path.write_bytes(b"")
    lines = [
        {"format": 2, "run": run},
        {"image_id": image.id, "file_size": 0, "results": RESULTS[:4]},
    ]
    which = data.draw(st.integers(0, 1))
    lines[which] = data.draw(mutated(lines[which]))
    file = tmp_path / "results.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    try:
        with ResultsFile(file, run, resume=True) as opened:
            opened.check(dataset.images)
            results = opened.of(dataset.images)
    except ClientError as error:
        refusal = str(error)
    else:
        pycocotools.evaluate(dataset, results)
        return
    assert str(file) in refusal
    assert len(refusal) < LONGEST_MESSAGE
