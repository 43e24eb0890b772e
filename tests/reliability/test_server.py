"""What happens to an evaluation when the server loses a part, ends, hangs or changes its models."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from os import kill
from pathlib import Path
from statistics import median

import pytest
import tritonclient.grpc

from builder.repository.models import NETWORK, POSTPROCESS, PREPROCESS
from server.access import headers
from tests.reliability.conftest import PICTURES
from tests.reliability.evaluation import Evaluation, lost, result_lines, same_results
from tests.reliability.service import ACCESS_KEY, Service

LONG = pytest.mark.long
ONCE_AND_OFTEN = pytest.mark.parametrize("times", [1, pytest.param(10, marks=LONG)])


class Trial:
    """Evaluations in the midst of which something happens to the server, added up."""

    def __init__(self, service: Service, dataset: Path, undisturbed: Path, folder: Path) -> None:
        self._service = service
        self._dataset = dataset
        self._undisturbed = undisturbed
        self._folder = folder
        self._pauses: list[float] = []
        self.lost = 0

    def run(self, fault: Callable[[], object], options: tuple[str, ...] = ()) -> str:
        """Lets `fault` happen at a random moment of a new evaluation, which has to end well.

        Returns what the client said.
        """
        output = self._folder / str(len(self._pauses))
        evaluation = Evaluation(self._dataset, self._service.grpc_url, output, options)
        evaluation.wait_for(random.randrange(PICTURES // 8, PICTURES // 2))
        acknowledged, moment = result_lines(output), time.monotonic()
        fault()
        code, said = evaluation.wait()
        assert code == 0, said
        assert same_results(output, self._undisturbed)
        self.lost += lost(acknowledged, output, self._undisturbed)
        self._pauses.append(evaluation.longest_pause(moment))
        return said

    @property
    def recovered_in(self) -> str:
        """How long no picture was finished."""
        if len(self._pauses) == 1:
            return f"{self._pauses[0]:.1f} s"
        return f"{median(self._pauses):.1f} s, at most {max(self._pauses):.1f} s"


@pytest.fixture
def trial(service: Service, dataset: Path, undisturbed: Path, tmp_path: Path) -> Trial:
    return Trial(service, dataset, undisturbed, tmp_path)


@pytest.mark.parametrize(
    ("model", "times"),
    [(NETWORK, 1)]
    + [pytest.param(model, 5, marks=LONG) for model in (PREPROCESS, NETWORK, POSTPROCESS)],
)
def test_the_process_of_a_python_model_is_killed(
    service: Service, trial: Trial, model: str, times: int, reliability_row: Callable[..., None]
) -> None:
    if times > 1:
        service.restart()  # for the launcher gives up at the sixth such death within five minutes
    for number in range(times):
        said = trial.run(lambda: kill(service.stubs(model)[0], signal.SIGKILL))

        assert "is away" in said
        assert "is back" in said
        assert service.printed().count(f"A process of {model} has died") == number + 1
    assert trial.lost == 0
    reliability_row(
        f"a process of {model} killed (SIGKILL) under load",
        tried=times,
        lost=trial.lost,
        recovered_in=trial.recovered_in,
        seen_as="a pause; the client says “… is away”, then “… is back”, and ends with code 0. The "
        "launcher says which process died",
    )


@ONCE_AND_OFTEN
def test_tritonserver_is_killed_and_started_again(
    service: Service, trial: Trial, times: int, reliability_row: Callable[..., None]
) -> None:
    def kill_and_start() -> None:
        kill(service.tritonserver(), signal.SIGKILL)
        assert service.wait() == 1
        assert service.printed().endswith("error: tritonserver ended by itself\n")
        service.start()

    for _ in range(times):
        said = trial.run(kill_and_start)

        assert "is away" in said
        assert "is back" in said
    assert trial.lost == 0
    reliability_row(
        "tritonserver killed (SIGKILL) under load, the launcher started again",
        tried=times,
        lost=trial.lost,
        recovered_in=trial.recovered_in,
        seen_as="a pause; “… is away”, “… is back”, code 0. The launcher ends with code 1 and "
        "“tritonserver ended by itself”, for whoever starts it again",
    )


@ONCE_AND_OFTEN
def test_the_network_is_unloaded_and_loaded(
    service: Service, trial: Trial, times: int, reliability_row: Callable[..., None]
) -> None:
    access = headers(ACCESS_KEY)

    def unload_and_load() -> None:
        with tritonclient.grpc.InferenceServerClient(service.grpc_url) as control:
            control.unload_model(NETWORK, headers=access)
            time.sleep(1)
            control.load_model(NETWORK, headers=access)

    for _ in range(times):
        said = trial.run(unload_and_load)

        assert "is away" in said
        assert "is back" in said
    assert trial.lost == 0
    reliability_row(
        f"{NETWORK} unloaded for a second and loaded, under load",
        tried=times,
        lost=trial.lost,
        recovered_in=trial.recovered_in,
        seen_as="a pause; “… is away”, “… is back”, code 0",
    )


@pytest.mark.long
def test_a_server_hangs_for_a_while(
    service: Service, trial: Trial, reliability_row: Callable[..., None]
) -> None:
    times = 10

    def hang() -> None:
        server = service.tritonserver()
        kill(server, signal.SIGSTOP)
        time.sleep(3)
        kill(server, signal.SIGCONT)

    for _ in range(times):
        said = trial.run(hang, options=("--timeout", "2"))

        assert "no answer within 2 s" in said
    assert trial.lost == 0
    reliability_row(
        "tritonserver hangs for 3 s (SIGSTOP), --timeout 2",
        tried=times,
        lost=trial.lost,
        recovered_in=trial.recovered_in,
        seen_as="a pause; “… is away: no answer within 2 s”, “… is back”, code 0",
    )


@pytest.mark.long
def test_a_server_that_hangs_for_good_is_given_up_and_the_run_resumed(
    service: Service,
    dataset: Path,
    undisturbed: Path,
    tmp_path: Path,
    reliability_row: Callable[..., None],
) -> None:
    times, gone = 10, 0
    for number in range(times):
        output = tmp_path / str(number)
        impatient = ("--timeout", "2", "--retry-for", "3")
        evaluation = Evaluation(dataset, service.grpc_url, output, impatient)
        evaluation.wait_for(PICTURES // 4)
        server = service.tritonserver()
        kill(server, signal.SIGSTOP)
        try:
            code, said = evaluation.wait()
        finally:
            kill(server, signal.SIGCONT)
        acknowledged = result_lines(output)

        assert code == 1
        assert "could not answer for 3 s (--retry-for): no answer within 2 s" in said
        assert f"{len(acknowledged)} of {PICTURES} pictures are finished and kept" in said
        assert "Traceback" not in said
        code, said = Evaluation(dataset, service.grpc_url, output, ["--resume"]).wait()
        assert code == 0, said
        assert same_results(output, undisturbed)
        gone += lost(acknowledged, output, undisturbed)
    assert gone == 0
    reliability_row(
        "tritonserver hangs for good (SIGSTOP), --timeout 2 --retry-for 3",
        tried=times,
        lost=gone,
        recovered_in="with --resume, when the server is back",
        seen_as="code 1: “the server … could not answer for 3 s …”, how many pictures are kept, "
        "and how to go on",
    )
