"""Data sets and results damaged at random are refused in words, or harmless to pycocotools."""

from __future__ import annotations

import copy
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
from client.coco.dataset import CocoDataset, load_annotations
from client.coco.result_format import CocoResult, fault_of_results
from client.coco.results import ResultsFile, describe_run
from client.errors import ClientError
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
    }
    for image_id in (9, 0)
    for category_id in (0, 7)
    for counts in (
        compressed(140, 500, HEIGHT * WIDTH - 640),
        compressed(500, 90, HEIGHT * WIDTH - 590),
    )
]

NUMBERS = (
    *(0, 1, -1, 2, 3, 4, 7, 31, 32, 33, 48, 49, 96, 1535, 1536, 1537, 65535, 65536, 2**30),
    *(
        2**31 - 1,
        2**31,
        2**32 - 1,
        2**32,
        2**32 + 5,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**31),
        -(2**63),
    ),
    *(10**30, 0.0, -0.0, 0.5, 1.0, 5.5, -47.5, 1e-320, 1e9, 4.3e8, 1e10, 1e11, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
)
TEXTS = (
    *("", "0", "1", "o", "P", "PPPPPPP1", "1\0", "é", "\ud800", "a.jpg", "../a.jpg", "/", "circle"),
    compressed(0, HEIGHT * WIDTH, 0),
    compressed(100, 0, HEIGHT * WIDTH - 100),
    compressed(1, 2, 3),
)
hostile = st.deferred(
    lambda: (
        st.sampled_from(NUMBERS)
        | st.sampled_from(TEXTS)
        | st.none()
        | st.booleans()
        | st.lists(st.sampled_from(NUMBERS), max_size=9)
        | st.lists(st.lists(st.sampled_from(NUMBERS), max_size=9), max_size=3)
        | st.fixed_dictionaries(
            {},
            optional={
                "size": st.lists(st.sampled_from(NUMBERS), max_size=3),
                "counts": st.sampled_from(TEXTS) | st.lists(st.sampled_from(NUMBERS), max_size=5),
            },
        )
    )
)
OPERATIONS = ("set", "set", "set", "delete", "repeat", "append", "swap")


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """A copy of a JSON value after one to three changes."""
    root = {"": copy.deepcopy(value)}
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        parent, key = draw(st.sampled_from(list(_places(root))))
        operation = draw(st.sampled_from(OPERATIONS))
        if operation == "set" or parent is root:
            parent[key] = draw(hostile)
        elif operation == "delete":
            del parent[key]
        elif operation == "swap":
            other, its_key = draw(st.sampled_from(list(_places(root))))
            parent[key] = copy.deepcopy(other[its_key])
        elif isinstance(parent, list):
            added = copy.deepcopy(parent[key]) if operation == "repeat" else draw(hostile)
            parent.insert(key, added)
        else:
            parent["extra"] = draw(hostile)
    return root[""]


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    """Every container inside with each of its keys or indices."""
    keys = container.keys() if isinstance(container, dict) else range(len(container))
    for key in keys:
        yield container, key
        if isinstance(container[key], dict | list):
            yield from _places(container[key])


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
        """By `bbox`, and by `segm` where there are masks."""
        ids = [image.id for image in dataset.images]
        kept = ("image_id", "category_id", "score")
        figures = {}
        for iou_type, key in (("bbox", "bbox"), ("segm", "segmentation")):
            if not all(key in result for result in results):
                continue
            if iou_type == "segm" and not dataset.has_segmentations:
                continue
            given = [{name: result[name] for name in (*kept, key)} for result in results]
            self._connection.send((dataset.ground_truth.content, given, iou_type, ids))
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
    names = st.sampled_from(["ignore", "_ignore", "caption", "keypoints", "score", "extra", "note"])
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
    run = describe_run(dataset.pictures, {"mask_rcnn": {"outputs": ["masks"]}})
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
