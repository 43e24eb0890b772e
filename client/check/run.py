"""The whole check of one or more servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from artifact.names import ModelNames
from artifact.reference import Reference
from client.check.beside import Answers, beside_faults
from client.check.cause import cause
from client.check.compare import Answer, differences
from client.check.configuration import (
    Configs,
    canvases_of,
    configuration_faults,
    on_cpu,
    reference_of,
    served_configs,
)
from client.check.invariance import home, invariance
from client.check.recorded import prepared_row, recorded_faults
from client.check.steps import Steps
from client.check.subjects import Subject, ask, parts, recorded_subjects
from client.check.table import Row, in_words, row_of, told
from client.check.tolerance import TOLERANCES, served_precision
from client.connection.served_model import parameters
from client.connection.settings import Connection
from client.connection.transport import Transport, open_transport
from client.errors import ClientError, RequestFailed, ServerUnavailable

NETWORKS = {"tensorrt": "a TensorRT plan", "onnxruntime": "ONNX Runtime", "pytorch": "PyTorch"}
"""What runs the network, by its parameter `runtime` or Triton's name of its backend."""

CPU_PIXELS = 2_000_000
"""Of a batch's canvases together, which ONNX Runtime on a CPU is asked for: eight of 480x480. Two
of 800x1344 took 13 GB with R50-C4."""

THE_END = "nothing more could be checked"

CONNECTIONS = 1
"""One request after the other: an answer must not depend on what else is asked."""


async def check(connection: Connection) -> AsyncIterator[Row]:
    """Rows, as they are found, for each server of `connection.url`.

    The answers of the second and further ones are held against those of the first, too. The check
    of a server ends early where nothing more can be asked.

    Raises:
        ClientError: no server answers at one of the addresses.
    """
    first: list[Answers] = []
    for address in connection.addresses:
        transport = open_transport(
            connection.protocol, address, connection.timeout, CONNECTIONS, connection.tls
        )
        try:
            async for row in _check_server(transport, connection, first):
                yield row
        finally:
            await transport.close()


async def _check_server(
    transport: Transport, connection: Connection, first: list[Answers]
) -> AsyncIterator[Row]:
    try:
        server = await transport.server_metadata()
    except (ServerUnavailable, RequestFailed) as error:
        raise ServerUnavailable(f"no Triton server answers at {transport}: {error}") from error
    yield Row("server", f"Triton {server.get('version', 'of unknown version')} at {transport}")
    names = ModelNames(connection.model)
    configs, absent = await served_configs(transport, names)
    if absent:
        yield row_of("models", [*absent, THE_END], "")
        return
    yield Row("models", f"{', '.join(names)}; the network in {_runtime(configs, names)}")
    try:
        reference = reference_of(configs, names)
        canvases = canvases_of(configs, names)
    except ClientError as error:
        yield row_of("build", [str(error), THE_END], "")
        return
    yield Row(
        "build",
        f"{reference.model}, {reference.precision}, of {reference.weights.name}, by builder "
        f"{reference.builder_version}",
    )
    text = "tensors, batch size and parameters are those of the build"
    yield row_of("configuration", configuration_faults(configs, reference), text)
    if not reference.answers:
        none = "there are none: the build said that it could not run ONNX Runtime, and why"
        yield row_of("recorded answers", [none, THE_END], "")
        return
    steps = Steps(transport, names, connection.retry_for)
    try:
        async for row in _check_answers(steps, transport.url, configs, canvases, reference, first):
            yield row
    except (ClientError, ValueError) as error:
        yield row_of("answers", [str(error), THE_END], "")


async def _check_answers(
    steps: Steps,
    url: str,
    configs: Configs,
    canvases: Sequence[tuple[int, int]],
    reference: Reference,
    first: list[Answers],
) -> AsyncIterator[Row]:
    """The rows about what the models answer; `first` gets the answers if it is empty."""
    precision = served_precision(reference.precision, configs[steps.names.network])

    def compare(subject: Subject, one: Answer, other: Answer, called: tuple[str, str]) -> list[str]:
        return differences(
            one,
            other,
            subject.size,
            TOLERANCES[precision],
            score_threshold=reference.score_threshold,
            names=called,
        )

    subjects = await recorded_subjects(steps, reference)
    homes = [home(subject, canvases) for subject in subjects]
    yield prepared_row(subjects)

    found = [
        (await ask(steps, [subject], canvas))[0]
        for subject, canvas in zip(subjects, homes, strict=True)
    ]
    faults = recorded_faults(subjects, found, reference, TOLERANCES[precision])
    if faults:
        faults.insert(0, await cause(steps, subjects, homes, reference))
    counts = in_words([str(answer.num_detections) for answer in reference.answers])
    text = f"{counts} detections as ONNX Runtime found them at the build, but for {precision}'s "
    yield row_of("recorded answers", faults, f"{text}rounding")

    faults = []
    for subject, by_steps in zip(subjects, found, strict=True):
        answer = await steps.ensemble(subject.encoded)
        called = ("from the ensemble", "from its steps")
        faults += told(subject.name, compare(subject, answer, by_steps, called))
    yield row_of("ensemble", faults, "it answers as its steps do when they are asked one by one")

    here = Answers(url, reference, precision, found)
    for there in first:
        text = "the answers are those of that server"
        yield row_of(f"beside {there.url}", beside_faults(here, there, subjects), text)
    first[:] = first or [here]

    max_batch = min(int(config["max_batch_size"]) for config in configs.values())
    every = [*subjects, *parts(subjects)]
    most_pixels = CPU_PIXELS if on_cpu(configs[steps.names.network]) else None
    async for row in invariance(
        steps, every, canvases, max_batch, compare, most_pixels=most_pixels
    ):
        yield row


def _runtime(configs: Configs, names: ModelNames) -> str:
    config = configs[names.network]
    backend = config.get("backend") or config.get("platform") or "an unknown backend"
    runtime = parameters(config).get("runtime", backend)
    return NETWORKS.get(runtime, runtime)
