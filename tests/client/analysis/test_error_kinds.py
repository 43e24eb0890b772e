from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from client.analysis.error_kinds import BKG, BOTH, CLS, DUP, KINDS, LOC, MISS, error_costs
from client.analysis.error_kinds import picture_errors as errors_of
from client.analysis.matching import match_pictures
from client.coco.average_precision import evaluate_results
from client.coco.dataset import load_annotations
from tests.client.analysis.pictures import NAMES, Box, annotation, detection, matched
from tests.conftest import DEMO

OBJECT: Box = (100, 100, 40, 40)
BADLY: Box = (125, 100, 40, 40)  # IoU 15 / 65
ELSEWHERE: Box = (300, 200, 40, 40)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (detection(1, OBJECT, 0.9), ""),
        (detection(2, OBJECT, 0.9), CLS),
        (detection(1, BADLY, 0.9), LOC),
        (detection(2, BADLY, 0.9), BOTH),
        (detection(1, ELSEWHERE, 0.9), BKG),
    ],
)
def test_an_error_is_of_the_papers_kind(
    tmp_path: Path, found: dict[str, object], kind: str
) -> None:
    (match,) = matched(tmp_path, [([annotation(1, OBJECT)], [found])])

    errors = errors_of(match)

    assert errors.kinds.tolist() == [kind]
    assert errors.is_missed.tolist() == [kind in (BOTH, BKG)]


def test_a_second_detection_of_an_object_is_a_duplicate(tmp_path: Path) -> None:
    found = [detection(1, OBJECT, 0.9), detection(1, OBJECT, 0.8)]
    (match,) = matched(tmp_path, [([annotation(1, OBJECT)], found)])

    assert errors_of(match).kinds.tolist() == ["", DUP]


def test_in_a_picture_without_objects_there_is_nothing_but_background(tmp_path: Path) -> None:
    (match,) = matched(tmp_path, [([], [detection(1, OBJECT, 0.9)])])

    assert errors_of(match).kinds.tolist() == [BKG]


def test_of_several_errors_that_mean_an_object_the_best_score_is_mended(tmp_path: Path) -> None:
    found = [detection(1, BADLY, 0.9), detection(2, OBJECT, 0.8), detection(1, BADLY, 0.7)]
    (match,) = matched(tmp_path, [([annotation(1, OBJECT)], found)])

    errors = errors_of(match)

    assert errors.kinds.tolist() == [LOC, CLS, LOC]
    assert errors.meant.tolist() == [0, -1, -1]
    assert errors.is_missed.tolist() == [False]


@pytest.mark.parametrize(
    ("found", "ap50", "kind", "gain"),
    [
        # One of two objects is found: precision 1 up to a recall of one half, 51 of 101 recalls.
        ([], 51, MISS, 49),
        # The other is found badly, or as a dog: mended, both are found.
        ([detection(1, BADLY, 0.5)], 51, LOC, 50),
        ([detection(2, OBJECT, 0.5)], 51, CLS, 50),
        # It is found with a better score's error before it: precision one half at all recalls.
        ([detection(1, ELSEWHERE, 0.95), detection(1, OBJECT, 0.6)], 200 / 3, BKG, 100 / 3),
    ],
    ids=[MISS, LOC, CLS, BKG],
)
def test_what_a_kind_costs_is_what_ap_gains_without_it(
    tmp_path: Path, found: list[dict[str, object]], ap50: float, kind: str, gain: float
) -> None:
    one = ([annotation(1, OBJECT)], [detection(1, OBJECT, 0.9)])
    matches = matched(tmp_path, [one, ([annotation(1, OBJECT)], found)])

    costs = error_costs(matches, [errors_of(match) for match in matches], NAMES)

    assert costs.ap50 == pytest.approx(ap50, abs=1)
    assert costs.gains[kind] == pytest.approx(gain, abs=1)
    assert [name for name in KINDS if costs.counts[name]] == [kind]


@pytest.mark.parametrize(
    ("model", "kind", "counts", "gains"),
    [
        ("C4", "bbox", (229, 80, 96, 5, 41, 4),
         (3.53529, 1.19749, 0.42461, 0.0122, 0.06091, 1.3208)),
        ("C4", "segm", (192, 48, 139, 6, 74, 5),
         (2.33851, 3.757, 0.61349, 0.00502, 0.19476, 1.5664)),
        ("FPN", "bbox", (337, 86, 158, 9, 74, 4),
         (2.74718, 0.78114, 0.3164, 0.00889, 0.26563, 1.64202)),
        ("FPN", "segm", (314, 60, 173, 16, 107, 3),
         (2.92769, 2.83878, 0.46704, 0.00993, 0.07677, 1.04524)),
    ],
)  # fmt: skip
def test_the_figures_are_those_of_the_authors_program_and_ap50_is_pycocotools(
    model: str, kind: str, counts: tuple[int, ...], gains: tuple[float, ...]
) -> None:
    """What tidecv 1.0.1 made of detectron2's results on the demo, in an environment of its own."""
    results = json.loads((DEMO / f"mask_rcnn_R_50_{model}_shapes.results.json").read_text())
    dataset = load_annotations(DEMO / "val/instances.json", DEMO / "val/images")
    matches = match_pictures(dataset, dataset.images, results, masks=kind == "segm")

    costs = error_costs(matches, [errors_of(match) for match in matches], dataset.categories)

    assert costs.counts == dict(zip(KINDS, counts, strict=True))
    assert costs.gains == pytest.approx(dict(zip(KINDS, gains, strict=True)), abs=1e-5)
    metrics = evaluate_results(dataset.ground_truth, results, kind)
    assert costs.ap50 == pytest.approx(metrics.values["AP50"], abs=1e-9)


def test_crowds_and_ignored_detections_cost_nothing(tmp_path: Path) -> None:
    crowd = annotation(1, (0, 0, 200, 200), iscrowd=1)
    found = [detection(1, ELSEWHERE, 0.9), detection(1, OBJECT, 0.8)]
    matches = matched(tmp_path, [([annotation(1, ELSEWHERE), crowd], found)])

    costs = error_costs(matches, [errors_of(match) for match in matches], NAMES)

    assert costs.ap50 == 100
    assert not np.any(list(costs.gains.values()))
