"""`client evaluate` against a real server: the figures, and everything that can go wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import tritonclient.grpc

from client.__main__ import main
from client.coco.summary import Summary
from client.connection.settings import Connection
from client.errors import ClientError
from client.evaluate import FAILURES_IN_A_ROW, evaluate
from client.result_files import COCO_RESULTS, RESULTS, SUMMARY
from server.launch import TritonServer
from tests.client.conftest import (
    Demo,
    connection_to,
    evaluate_demo,
    finished,
    options_for,
    wait_until,
)
from tests.http_server import run_http_server

REPOSITORY_ROOT = Path(__file__).parents[2]


def requests_served(server: TritonServer) -> int:
    with tritonclient.grpc.InferenceServerClient(server.grpc_url) as client:
        statistics = client.get_inference_statistics("mask_rcnn").model_stats[0].inference_stats
    return int(statistics.success.count)


def test_detectron2s_figures_come_back_through_the_server(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path, protocol: str
) -> None:
    summary = evaluate_demo(demo, connection_to(recorded_server, protocol), tmp_path)

    assert summary.metrics["bbox"].values["AP"] == pytest.approx(80.3482, abs=1e-3)
    assert summary.metrics["segm"].values["AP"] == pytest.approx(72.2021, abs=1e-3)
    assert (summary.images, summary.detections, summary.complete) == (64, 723, True)
    assert summary.images_per_second is not None
    written = json.loads((tmp_path / COCO_RESULTS).read_text())
    expected = [
        {key: pytest.approx(value, abs=1e-4) if key == "bbox" else value
         for key, value in result.items()}
        for result in demo.results
    ]  # fmt: skip
    assert written == expected
    content = json.loads((tmp_path / SUMMARY).read_text())
    assert content["segm"]["AP50"] == pytest.approx(89.2573, abs=1e-3)
    assert content["protocol"] == protocol
    assert content["versions"]["tritonserver"]


def test_the_command_prints_the_table_and_ends_with_the_figures(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations),
         "--url", recorded_server.grpc_url, "--output", str(tmp_path)]
    )  # fmt: skip

    printed = capsys.readouterr()
    assert code == 0
    assert printed.out.count("Average Precision") == 12
    assert printed.out.endswith("\nbox AP 80.35, AP50 91.90; mask AP 72.20, AP50 89.26\n")
    assert "64/64" in printed.err
    assert "image/s" in printed.err


def test_a_model_without_masks_is_evaluated_on_boxes(
    boxes_only_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    summary = evaluate_demo(demo, connection_to(boxes_only_server), tmp_path)

    assert list(summary.metrics) == ["bbox"]
    assert str(summary).splitlines()[-1] == "box AP 80.35, AP50 91.90"
    assert "segmentation" not in json.loads((tmp_path / COCO_RESULTS).read_text())[0]


def test_a_killed_run_is_resumed_without_asking_again_and_ends_the_same(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    arguments = ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations),
                 "--url", recorded_server.grpc_url]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "client", *arguments, "--output", str(broken), "--concurrency", "2"],
        cwd=REPOSITORY_ROOT,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: finished(broken) >= 10)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = finished(broken)
    assert kept < 64

    with pytest.raises(ClientError, match=f"with {kept} finished pictures"):
        evaluate_demo(demo, connection_to(recorded_server), broken)
    time.sleep(0.1)  # what was in flight when the client died
    before = requests_served(recorded_server)
    assert main([*arguments, "--output", str(broken), "--resume"]) == 0
    assert requests_served(recorded_server) - before == 64 - kept

    assert main([*arguments, "--output", str(whole)]) == 0
    assert (broken / COCO_RESULTS).read_bytes() == (whole / COCO_RESULTS).read_bytes()
    one, other = (json.loads((folder / SUMMARY).read_text()) for folder in (broken, whole))
    assert (one["bbox"], one["segm"]) == (other["bbox"], other["segm"])
    assert one["resumed_images"] == kept


def test_a_finished_run_can_be_resumed_and_asks_nothing(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    def run() -> Summary:
        return evaluate_demo(demo, connection_to(recorded_server), tmp_path, resume=True)

    first = run()
    before = requests_served(recorded_server)
    second = run()

    assert requests_served(recorded_server) == before
    assert second.metrics == first.metrics
    assert (second.resumed, second.images_per_second, second.latency_ms) == (64, None, None)


def test_a_run_of_another_model_is_not_continued(
    recorded_server: TritonServer, boxes_only_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    evaluate_demo(demo, connection_to(boxes_only_server), tmp_path)

    with pytest.raises(ClientError, match=r"another run: model\.mask_rcnn\."):
        evaluate_demo(demo, connection_to(recorded_server), tmp_path, resume=True)


def test_refused_pictures_do_not_cost_the_others_and_are_told(
    recorded_options: list[str], demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tmp_path / "images"
    shutil.copytree(demo.images, images)
    truncated = images / "000003.jpg"
    truncated.write_bytes(truncated.read_bytes()[:-100])
    (images / "000004.jpg").write_bytes(b"not a picture")
    shutil.copy(images / "000001.jpg", images / "000005.jpg")
    arguments = ["evaluate", "--images", str(images), "--annotations", str(demo.annotations),
                 *recorded_options, "--output", str(tmp_path / "out")]  # fmt: skip

    code = main(arguments)

    printed = capsys.readouterr()
    assert code == 1
    assert finished(tmp_path / "out") == 61
    size = truncated.stat().st_size
    assert f"  000003.jpg: image: {size} bytes that are not a picture" in printed.out
    assert "  000004.jpg: not a picture in BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP, or " in printed.out
    assert "  000005.jpg: the picture is 480x320, its annotations are for 426x240" in printed.out
    assert printed.out.splitlines()[-1].startswith("INCOMPLETE, 61 of 64 pictures: box AP ")
    assert "3 of 64 pictures have no result" in printed.err
    assert json.loads((tmp_path / "out" / SUMMARY).read_text())["complete"] is False

    for name in ("000003.jpg", "000004.jpg", "000005.jpg"):
        shutil.copy(demo.images / name, images)
    assert main([*arguments, "--resume"]) == 0
    assert "box AP 80.35, AP50 91.90; mask AP 72.20" in capsys.readouterr().out


def test_a_server_that_refuses_everything_is_not_asked_for_everything(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(demo.images, images)
    for file in images.iterdir():
        file.write_bytes(file.read_bytes() + b"\0")

    with pytest.raises(
        ClientError,
        match=rf"{FAILURES_IN_A_ROW} pictures in a row failed, .* not a picture \(request "
        r"[0-9a-f]{8}-\d+\)\n0 of 64",
    ):
        evaluate(
            images,
            demo.annotations,
            connection_to(recorded_server),
            output=tmp_path / "out",
            progress=False,
        )


def test_every_request_has_a_deadline(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path, protocol: str
) -> None:
    # All 64 requests queue for one model instance that takes 10 ms for each.
    connection = connection_to(recorded_server, protocol, timeout=0.02, concurrency=64)
    with pytest.raises(ClientError, match=r"no answer within 0\.02 s \(--timeout\)"):
        evaluate_demo(demo, connection, tmp_path)


class Runs:
    """An evaluation over each protocol at the same time, in threads."""

    def __init__(self, server: TritonServer, demo: Demo, folder: Path, retry_for: float) -> None:
        self.outputs = {protocol: folder / protocol for protocol in ("grpc", "http")}
        self.outcomes: dict[str, Any] = {}
        self._threads = []
        for protocol, output in self.outputs.items():
            connection = connection_to(server, protocol, concurrency=2, retry_for=retry_for)
            thread = threading.Thread(target=self._run, args=[demo, connection, output])
            thread.start()
            self._threads.append(thread)

    def wait_until_some_pictures_are_finished(self) -> None:
        wait_until(lambda: all(finished(output) >= 5 for output in self.outputs.values()))

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self, demo: Demo, connection: Connection, output: Path) -> None:
        try:
            outcome: Any = evaluate_demo(demo, connection, output)
        except ClientError as error:
            outcome = error
        self.outcomes[connection.protocol] = outcome


def test_a_server_that_restarts_is_waited_for(
    slow_repository: Path, demo: Demo, tmp_path: Path
) -> None:
    with TritonServer(slow_repository) as server:
        runs = Runs(server, demo, tmp_path, retry_for=60)
        runs.wait_until_some_pictures_are_finished()
        os.kill(server.process_id, signal.SIGKILL)
        for output in runs.outputs.values():
            assert finished(output) < 64, "it was over before the server died"
        server.restart()
        runs.join()

    for summary in runs.outcomes.values():
        assert summary.failures == ()
        assert summary.metrics["bbox"].values["AP"] == pytest.approx(80.3482, abs=1e-3)


def test_a_server_that_stays_away_ends_the_run_and_keeps_what_was_finished(
    slow_repository: Path, recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    with TritonServer(slow_repository) as server:
        runs = Runs(server, demo, tmp_path, retry_for=0.5)
        runs.wait_until_some_pictures_are_finished()
        os.kill(server.process_id, signal.SIGKILL)
        runs.join()

    for protocol, output in runs.outputs.items():
        kept = finished(output)
        assert 5 <= kept < 64
        message = str(runs.outcomes[protocol])
        assert f"({protocol}) could not answer for 0.5 s" in message
        assert f"{kept} of 64 pictures are finished and kept" in message
        summary = evaluate_demo(demo, connection_to(recorded_server, protocol), output, resume=True)
        assert (summary.resumed, summary.complete) == (kept, True)


def test_a_full_disk_ends_the_run_and_keeps_what_was_finished(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    arguments = ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations),
                 "--url", recorded_server.grpc_url, "--output", str(tmp_path)]  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-m", "client", *arguments],
        cwd=REPOSITORY_ROOT,
        capture_output=True,
        text=True,
        check=False,
        # The error is another than ENOSPC, and comes from the same call at the same place.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )

    assert run.returncode == 1
    assert f"error: cannot write {tmp_path / RESULTS}: File too large" in run.stderr
    assert "continue with --resume" in run.stderr
    assert "Traceback" not in run.stderr
    kept = finished(tmp_path)
    assert 0 < kept < 64
    assert main([*arguments, "--resume"]) == 0
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert (summary["resumed_images"], summary["complete"]) == (kept, True)


def test_ctrl_c_tells_how_to_resume(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "client", "evaluate", "--images", str(demo.images),
         "--annotations", str(demo.annotations), "--url", recorded_server.grpc_url,
         "--output", str(tmp_path), "--concurrency", "1"],
        cwd=REPOSITORY_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    wait_until(lambda: finished(tmp_path) >= 5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1].startswith("  python -m client evaluate --images")
    assert errors.splitlines()[-1].endswith("--resume")


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def test_no_server_there_is_told_with_the_way_to_start_one(
    demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    address = closed_port()
    code = main(
        ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations),
         "--url", address, "--protocol", protocol, "--output", str(tmp_path / "out")]
    )  # fmt: skip

    printed = capsys.readouterr()
    assert code == 1
    assert printed.err.startswith(f"error: no Triton server answers at {address} ({protocol})")
    assert "python -m server --repository" in printed.err
    assert not (tmp_path / "out").exists()


def test_the_other_protocols_port_is_not_taken_for_a_server(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path, protocol: str
) -> None:
    other = recorded_server.http_url if protocol == "grpc" else recorded_server.grpc_url

    with pytest.raises(ClientError, match=f"no Triton server answers at {other}"):
        evaluate_demo(demo, Connection(other, protocol), tmp_path)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxys_own_page_is_told_by_its_status(demo: Demo, tmp_path: Path, status: int) -> None:
    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

    with run_http_server(Proxy) as proxy:
        address = f"127.0.0.1:{proxy.server_port}"
        with pytest.raises(ClientError, match=rf"{address} \(http\): HTTP status {status}\n"):
            evaluate_demo(demo, Connection(address, "http"), tmp_path)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "localhost", ""])
def test_an_address_that_is_not_host_and_port_is_refused(
    demo: Demo, tmp_path: Path, address: str
) -> None:
    with pytest.raises(ClientError, match="give HOST:PORT without a scheme"):
        evaluate_demo(demo, Connection(address), tmp_path)


def test_a_server_of_other_models_is_told_with_those_that_can_be_asked(
    two_models_server: TritonServer, demo: Demo, tmp_path: Path, protocol: str
) -> None:
    with pytest.raises(
        ClientError,
        match=r"(?s)does not serve the model mask_rcnn: .*\n"
        r"It serves renumbered, shapes: name one with --model\. Its log says why mask_rcnn is not ",
    ):
        evaluate_demo(demo, connection_to(two_models_server, protocol), tmp_path)


def test_each_model_of_a_server_is_evaluated_by_its_name(
    two_models_server: TritonServer,
    demo: Demo,
    renumbered_demo: Demo,
    tmp_path: Path,
    protocol: str,
) -> None:
    for name, data_set in (("shapes", demo), ("renumbered", renumbered_demo)):
        code = main(
            ["evaluate", "--images", str(data_set.images),
             "--annotations", str(data_set.annotations), "--model", name,
             *options_for(two_models_server, protocol), "--output", str(tmp_path / name)]
        )  # fmt: skip

        assert code == 0
        summary = json.loads((tmp_path / name / SUMMARY).read_text())
        assert list(summary["model"]) == [name]
        assert summary["bbox"]["AP"] == pytest.approx(80.3482, abs=1e-3)
        assert summary["segm"]["AP"] == pytest.approx(72.2021, abs=1e-3)
        written = json.loads((tmp_path / name / COCO_RESULTS).read_text())
        ids = {category["id"] for category in data_set.content["categories"]}
        assert {result["category_id"] for result in written} <= ids

    with pytest.raises(ClientError, match="built for other categories"):
        evaluate_demo(
            demo,
            connection_to(two_models_server, protocol, model="renumbered"),
            tmp_path / "crossed",
        )


def test_a_run_is_not_continued_with_another_model_of_the_server(
    two_models_server: TritonServer, demo: Demo, renumbered_demo: Demo, tmp_path: Path
) -> None:
    categories = [*demo.content["categories"], *renumbered_demo.content["categories"]]
    both = tmp_path / "instances.json"
    both.write_text(json.dumps({**demo.content, "categories": categories}))
    with_both = dataclasses.replace(demo, annotations=both)

    def run(model: str) -> Summary:
        connection = connection_to(two_models_server, model=model)
        return evaluate_demo(with_both, connection, tmp_path / "out", resume=True)

    run("shapes")
    with pytest.raises(
        ClientError,
        match=r"cannot resume .*, it is another run: model\.renumbered was None, now \{.*; "
        r"model\.shapes was \{.*, now None\.",
    ):
        run("renumbered")
    assert run("shapes").resumed == 64


def test_annotations_of_another_data_set_are_refused_before_anything_is_sent(
    recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    people = [{**category, "name": "person"} for category in demo.content["categories"]]
    content = {**demo.content, "categories": people}
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(content))
    before = requests_served(recorded_server)

    with pytest.raises(ClientError, match="built for other categories"):
        evaluate(demo.images, file, connection_to(recorded_server), output=tmp_path / "out")

    assert requests_served(recorded_server) == before
