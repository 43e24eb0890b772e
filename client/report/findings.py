"""What a report says of an evaluation, computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from client.analysis.calibration import Calibration, calibration
from client.analysis.confusion import Confusion, confusion
from client.analysis.error_kinds import ErrorCosts, PictureErrors, error_costs, picture_errors
from client.analysis.matching import PictureMatch, match_pictures
from client.analysis.pace import Pace, pace
from client.coco.metrics import category_labels
from client.report.evaluation import Evaluation

SHOWN_SCORE = 0.5
"""From which on a detection is one that somebody looks at: what `client predict` draws."""


@dataclass(frozen=True)
class Findings:
    """Of one evaluation; each computed when it is first asked for."""

    evaluation: Evaluation

    @cached_property
    def labels(self) -> dict[int, str]:
        """The categories' names by their ids, with the id where several have that name."""
        content = self.evaluation.dataset.ground_truth.content
        return category_labels(content["categories"])

    def label(self, category_id: int) -> str:
        """Also of a category that the model knows and the annotations do not."""
        return self.labels.get(category_id, f"category {category_id}")

    @cached_property
    def matches(self) -> Sequence[PictureMatch]:
        """By boxes, in the order of the evaluation's pictures."""
        evaluation = self.evaluation
        return match_pictures(evaluation.dataset, evaluation.images, evaluation.results)

    @cached_property
    def errors(self) -> Sequence[PictureErrors]:
        """Of each of `matches`."""
        return [picture_errors(match) for match in self.matches]

    @cached_property
    def costs(self) -> dict[str, ErrorCosts]:
        """By `bbox` and, where masks were evaluated, `segm`."""
        evaluation = self.evaluation
        ids = evaluation.dataset.categories
        costs = {"bbox": error_costs(self.matches, self.errors, ids)}
        if "segm" in evaluation.metrics:
            matches = match_pictures(
                evaluation.dataset, evaluation.images, evaluation.results, masks=True
            )
            errors = [picture_errors(match) for match in matches]
            costs["segm"] = error_costs(matches, errors, ids)
        return costs

    @cached_property
    def confusion(self) -> Confusion:
        """Of what has `SHOWN_SCORE`."""
        return confusion(self.matches, SHOWN_SCORE)

    @cached_property
    def calibration(self) -> Calibration | None:
        return calibration(self.matches)

    @cached_property
    def pace(self) -> Pace | None:
        return pace(self.evaluation.timings)
