"""What is made for each detection, such as a mask, is made for those that exist.

A picture has as many places as TEST.DETECTIONS_PER_IMAGE, of which most stay empty. The detections
of a batch are numbered through, picture by picture, and worked on all at once. For each other
number of them cuDNN would plan its convolutions anew, so on a GPU they are worked on in rounds,
whose size follows from the batch alone, until none is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from builder.network.feature_map import dimension, positions
from builder.network.runtime_choice import runtime_choice
from builder.network.structures import Detections

IN_ROUNDS = False
"""Whether detections are worked on in rounds: the initializer `in_rounds`, for which a runtime may
have another value."""

EACH_PICTURE = 32
"""Detections of a round, times the pictures of the batch. On a GPU a round costs a millisecond."""


@dataclass(frozen=True)
class Places:
    """Where the detections of a round are; past the last one some that are filled, or the first."""

    pictures: ir.Value
    """INT64 [K]."""
    places: ir.Value
    """INT64 [K], of those of the picture."""

    def take(self, op: Any, values: ir.Value) -> ir.Value:
        """`values` [N, D, …] at these places, [K, …]."""
        both = (op.Unsqueeze(each, [1]) for each in (self.pictures, self.places))
        return op.GatherND(values, op.Concat(*both, axis=1))


def detection_rounds(op: Any, detections: Detections, most: int, *, static: bool) -> AllPlaces:
    """How to work on detections.

    Args:
        most: D, the places of a picture.
        static: on all places, filled or not.
    """
    count = op.Squeeze(op.Cast(detections.num_detections, to=ir.DataType.FLOAT), [1])
    if static:
        return AllPlaces(count, most)
    return DetectionRounds(count, most, op.Sub(op.CumSum(count, 0), count))


@dataclass(frozen=True)
class AllPlaces:
    """The places of a batch of N pictures, all to be worked on at once."""

    count: ir.Value
    """FP32 [N], detections of each picture."""
    most: int
    """D, the places of a picture."""

    def make(
        self, op: Any, shape: Sequence[int], make: Callable[[Any, Places], ir.Value]
    ) -> ir.Value:
        """What `make` makes for the detections.

        Args:
            shape: of what is made for one detection.
            make: of op and the places of K detections FP32 [K, *shape].

        Returns:
            FP32 [N, D, *shape], zeros where there is no detection.
        """
        place = op.Unsqueeze(positions(op, op.Cast(self.most, to=ir.DataType.INT64)), [0])
        exists = op.Less(place, op.Unsqueeze(self.count, [1]))
        exists = op.Unsqueeze(exists, list(range(2, 2 + len(shape))))
        return op.Where(exists, self._made(op, place, shape, make), 0.0)

    def _made(
        self,
        op: Any,
        _place: ir.Value,
        shape: Sequence[int],
        make: Callable[[Any, Places], ir.Value],
    ) -> ir.Value:
        """What is in the places, FP32 [N, D, *shape]; in empty ones anything."""
        row = op.Range(0, op.Mul(dimension(op, self.count, 0), self.most), 1)
        everywhere = Places(op.Div(row, self.most), op.Mod(row, self.most))
        return op.Reshape(make(op, everywhere), [-1, self.most, *shape])


@dataclass(frozen=True)
class DetectionRounds(AllPlaces):
    """The detections of a batch of N pictures, to be worked on at once or in rounds."""

    start: ir.Value
    """FP32 [N], the number of each picture's first one, as they are numbered through."""

    def _made(
        self,
        op: Any,
        place: ir.Value,
        shape: Sequence[int],
        make: Callable[[Any, Places], ir.Value],
    ) -> ir.Value:
        total = op.ReduceSum(self.count, keepdims=0)

        def in_rounds(op: Any) -> list[ir.Value]:
            return [self._in_rounds(op, total, shape, make)]

        def at_once(op: Any) -> list[ir.Value]:
            some = op.Cast(op.Max(total, 1.0), to=ir.DataType.INT64)
            return [make(op, self._places(op, positions(op, some)))]

        outputs = [(ir.DataType.FLOAT, [None, *shape])]
        [made] = runtime_choice(op, "in_rounds", IN_ROUNDS, in_rounds, at_once, outputs)
        row = op.Cast(op.Add(op.Unsqueeze(self.start, [1]), place), to=ir.DataType.INT64)
        last = op.Sub(dimension(op, made, 0), 1)  # Where there is no detection, any will do.
        return op.Gather(made, op.Min(row, last), axis=0)

    def _in_rounds(
        self,
        op: Any,
        total: ir.Value,
        shape: Sequence[int],
        make: Callable[[Any, Places], ir.Value],
    ) -> ir.Value:
        """What `make` makes, detection by detection, FP32 [at least `total`, *shape]."""
        together = op.Mul(dimension(op, self.count, 0), EACH_PICTURE)
        rounds = -(-self.most // EACH_PICTURE)
        rows = op.Unsqueeze(op.Mul(together, rounds), [0])
        made = op.Expand(0.0, op.Concat(rows, shape, axis=0))

        def one_round(
            op: Any, number: ir.Value, _going_on: ir.Value, made: ir.Value
        ) -> tuple[ir.Value, ir.Value]:
            op.builder.push_module("detections")  # Names must differ from those outside.
            first = op.Mul(number, together)
            rows = op.Add(first, op.Range(0, together, 1))
            places = self._places(op, op.Cast(rows, to=ir.DataType.FLOAT))
            made = op.ScatterND(made, op.Unsqueeze(rows, [1]), make(op, places))
            done = op.Cast(op.Add(first, together), to=ir.DataType.FLOAT)
            return op.Less(done, total), made

        body = op.builder.subgraph(
            one_round,
            inputs=[
                ir.val("number", ir.DataType.INT64, []),
                ir.val("going_on", ir.DataType.BOOL, []),
                ir.val("made_before", ir.DataType.FLOAT, made.shape),
            ],
            outputs=[
                ir.val("goes_on", ir.DataType.BOOL, []),
                ir.val("made_now", ir.DataType.FLOAT, made.shape),
            ],
            name="detections",
        )
        return op.Loop(rounds, op.Greater(total, 0.5), made, body=body)

    def _places(self, op: Any, number: ir.Value) -> Places:
        """Where the detections of these numbers are, FP32 [K]."""
        end = op.Add(self.start, self.count)
        before = op.GreaterOrEqual(op.Unsqueeze(number, [1]), end)
        picture = op.ReduceSum(op.Cast(before, to=ir.DataType.FLOAT), [1], keepdims=0)
        last = op.Sub(dimension(op, self.count, 0), 1)
        picture = op.Min(op.Cast(picture, to=ir.DataType.INT64), last)
        place = op.Sub(number, op.Gather(self.start, picture))
        last_place = op.Sub(op.Gather(self.count, picture), 1.0)
        place = op.Max(op.Min(place, last_place), 0.0)
        return Places(picture, op.Cast(place, to=ir.DataType.INT64))
