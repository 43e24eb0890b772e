"""Evaluations in the midst of which something happens, added up to a row of docs/reliability.md."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from tests.reliability.dataset import PICTURES
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results


class Trial:
    """The same fault, tried once or often; each evaluation has an output of its own.

    Args:
        url: the server's.
        undisturbed: the output of an evaluation to which nothing happened.
        folder: where the outputs go.
        write_row: the fixture `reliability_row`.
    """

    def __init__(
        self,
        dataset: Path,
        url: str,
        undisturbed: Path,
        folder: Path,
        write_row: Callable[..., None],
    ) -> None:
        self._dataset = dataset
        self._url = url
        self._undisturbed = undisturbed
        self._folder = folder
        self._write_row = write_row
        self._pauses: list[float] = []
        self._started = 0
        self._lost = 0

    def start(self, *options: str, output: Path | None = None, url: str = "") -> Evaluation:
        """A new evaluation.

        Args:
            options: more of them for `evaluate`.
            output: where its results go, if not into a folder of its own.
            url: where the client is to find the server, if not where it is.
        """
        self._started += 1
        output = output or self._folder / str(self._started)
        return Evaluation(self._dataset, url or self._url, output, options)

    def run(self, fault: Callable[[], object], *options: str, url: str = "") -> str:
        """Lets `fault` happen at a random moment of a new evaluation, which has to end well.

        Returns what the client said.
        """
        evaluation = self.start(*options, url=url)
        evaluation.wait_for(random.randrange(PICTURES // 8, PICTURES // 2))
        acknowledged, moment = result_lines(evaluation.output), time.monotonic()
        fault()
        self._check_end(evaluation, acknowledged)
        self._pauses.append(evaluation.longest_pause(moment))
        return evaluation.printed

    def resume(self, output: Path, acknowledged: Sequence[bytes]) -> None:
        """Resumes an evaluation that did not end well; now it has to.

        Args:
            acknowledged: the lines of its results file when it had ended.
        """
        self._check_end(self.start("--resume", output=output), acknowledged)

    def write_row(
        self, fault: str, *, tried: int, seen_as: str, recovered_in: str | None = None
    ) -> None:
        """Nothing may be lost, in all the evaluations together.

        Args:
            recovered_in: None for how long no picture was finished.
        """
        assert self._lost == 0
        self._write_row(
            fault,
            tried=tried,
            lost=self._lost,
            recovered_in=recovered_in or self._longest_pauses(),
            seen_as=seen_as,
        )

    def _check_end(self, evaluation: Evaluation, acknowledged: Sequence[bytes]) -> None:
        code, said = evaluation.wait()
        assert code == 0, said
        assert same_results(evaluation.output, self._undisturbed)
        self._lost += lost(acknowledged, evaluation.output, self._undisturbed)

    def _longest_pauses(self) -> str:
        if len(self._pauses) == 1:
            return f"{self._pauses[0]:.1f} s"
        return f"{median(self._pauses):.1f} s, at most {max(self._pauses):.1f} s"
