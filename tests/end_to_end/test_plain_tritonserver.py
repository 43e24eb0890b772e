"""A built repository needs nothing of this project to be served."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from server.locate import find_tritonserver

DEMO = Path(__file__).parents[2] / "demo"
DEADLINE_SECS = 120


def free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        found = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in found:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in found]


@pytest.fixture
def client(demo_repository: Path, tmp_path: Path) -> Iterator[grpc.InferenceServerClient]:
    """Of the tritonserver that the launcher would find, started without the launcher."""
    tritonserver = find_tritonserver(tmp_path, os.environ)
    command = [
        str(tritonserver.binary),
        f"--model-repository={demo_repository}",
        "--model-config-name=onnxruntime",
    ]
    if tritonserver.backends is not None:
        command.append(f"--backend-directory={tritonserver.backends}")
    ports = dict(zip(("http", "grpc", "metrics"), free_ports(3), strict=True))
    for protocol, port in ports.items():
        command += [f"--{protocol}-address=127.0.0.1", f"--{protocol}-port={port}"]
    log = tmp_path / "tritonserver.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            env=dict(tritonserver.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            with grpc.InferenceServerClient(f"127.0.0.1:{ports['grpc']}") as client:
                deadline = time.monotonic() + DEADLINE_SECS
                while not is_ready(client):
                    if process.poll() is not None or time.monotonic() > deadline:
                        pytest.fail(log.read_text())
                    time.sleep(0.1)
                yield client
        finally:
            process.terminate()
            try:
                process.wait(DEADLINE_SECS)
            finally:
                process.kill()


def is_ready(client: grpc.InferenceServerClient) -> bool:
    try:
        return client.is_server_ready()
    except InferenceServerException:
        return False


def test_a_plain_tritonserver_serves_a_built_repository(
    client: grpc.InferenceServerClient,
) -> None:
    picture = (DEMO / "val" / "images" / "000000.jpg").read_bytes()
    image = grpc.InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[picture]], np.object_))
    answer = client.infer("mask_rcnn", [image])

    detectron2 = json.loads((DEMO / "mask_rcnn_R_50_C4_shapes.results.json").read_text())
    expected = [result for result in detectron2 if result["image_id"] == 1]
    count = answer.as_numpy("num_detections").item()
    assert count == len(expected)
    np.testing.assert_allclose(
        answer.as_numpy("scores")[0, :count], [r["score"] for r in expected], atol=1e-4
    )
    assert answer.as_numpy("category_ids")[0, :count].tolist() == [
        r["category_id"] for r in expected
    ]
    assert all(answer.as_numpy("masks")[0, :count])
