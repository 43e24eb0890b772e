"""What happens to an evaluation when the server loses a part, ends, hangs or changes its models."""

from __future__ import annotations

import signal
import time
from os import kill

import pytest
import tritonclient.grpc

from artifact.names import ModelNames
from server.access import headers
from tests.reliability.dataset import PICTURES
from tests.reliability.evaluation import result_lines
from tests.reliability.service import ACCESS_KEY, Service
from tests.reliability.trial import Trial

NAMES = ModelNames()
LONG = pytest.mark.long
ONCE_AND_OFTEN = pytest.mark.parametrize("times", [1, pytest.param(10, marks=LONG)])


@pytest.mark.parametrize(
    ("model", "times"),
    [(NAMES.network, 1)]
    + [
        pytest.param(model, 5, marks=LONG)
        for model in (NAMES.preprocess, NAMES.network, NAMES.postprocess)
    ],
)
def test_the_process_of_a_python_model_is_killed(
    service: Service, trial: Trial, model: str, times: int
) -> None:
    if times > 1:
        service.restart()  # for the launcher gives up at the sixth such death within five minutes
    for number in range(times):
        said = trial.run(lambda: kill(service.stubs(model)[0], signal.SIGKILL))

        assert "is away" in said
        assert "is back" in said
        assert service.printed().count(f"A process of {model} has died") == number + 1
    trial.write_row(
        f"a process of {model} killed (SIGKILL) under load",
        tried=times,
        seen_as="a pause; the client says “… is away”, then “… is back”, and ends with code 0. The "
        "launcher says which process died",
    )


@ONCE_AND_OFTEN
def test_tritonserver_is_killed_and_started_again(
    service: Service, trial: Trial, times: int
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
    trial.write_row(
        "tritonserver killed (SIGKILL) under load, the launcher started again",
        tried=times,
        seen_as="a pause; “… is away”, “… is back”, code 0. The launcher ends with code 1 and "
        "“tritonserver ended by itself”, for whoever starts it again",
    )


@ONCE_AND_OFTEN
def test_the_network_is_unloaded_and_loaded(service: Service, trial: Trial, times: int) -> None:
    access = headers(ACCESS_KEY)

    def unload_and_load() -> None:
        with tritonclient.grpc.InferenceServerClient(service.grpc_url) as control:
            control.unload_model(NAMES.network, headers=access)
            time.sleep(1)
            control.load_model(NAMES.network, headers=access)

    for _ in range(times):
        said = trial.run(unload_and_load)

        assert "is away" in said
        assert "is back" in said
    trial.write_row(
        f"{NAMES.network} unloaded for a second and loaded, under load",
        tried=times,
        seen_as="a pause; “… is away”, “… is back”, code 0",
    )


@pytest.mark.long
def test_a_server_hangs_for_a_while(service: Service, trial: Trial) -> None:
    times = 10

    def hang() -> None:
        server = service.tritonserver()
        kill(server, signal.SIGSTOP)
        time.sleep(3)
        kill(server, signal.SIGCONT)

    for _ in range(times):
        said = trial.run(hang, "--timeout", "2")

        assert "no answer within 2 s" in said
    trial.write_row(
        "tritonserver hangs for 3 s (SIGSTOP), --timeout 2",
        tried=times,
        seen_as="a pause; “… is away: no answer within 2 s”, “… is back”, code 0",
    )


@pytest.mark.long
def test_a_server_that_hangs_for_good_is_given_up_and_the_run_resumed(
    service: Service, trial: Trial
) -> None:
    times = 10
    for _ in range(times):
        evaluation = trial.start("--timeout", "2", "--retry-for", "3")
        evaluation.wait_for(PICTURES // 4)
        server = service.tritonserver()
        kill(server, signal.SIGSTOP)
        try:
            code, said = evaluation.wait()
        finally:
            kill(server, signal.SIGCONT)
        acknowledged = result_lines(evaluation.output)

        assert code == 1
        assert "could not answer for 3 s (--retry-for): no answer within 2 s" in said
        assert f"{len(acknowledged)} of {PICTURES} pictures are finished and kept" in said
        assert "Traceback" not in said
        trial.resume(evaluation.output, acknowledged)
    trial.write_row(
        "tritonserver hangs for good (SIGSTOP), --timeout 2 --retry-for 3",
        tried=times,
        recovered_in="with --resume, when the server is back",
        seen_as="code 1: “the server … could not answer for 3 s …”, how many pictures are kept, "
        "and how to go on",
    )
