"""`client predict` on videos, cameras' streams and RTSP, against a real server."""

from __future__ import annotations

import http.server
import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from client.__main__ import INTERRUPTED, main
from client.connection.settings import Connection
from client.detections import Detections
from client.errors import ClientError
from client.pictures.drawing import draw_detections
from client.predict import DETECTIONS, predict
from client.video import reader
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, options_for, wait_until
from tests.client.videos import RATE, Pixels, read_video, write_video
from tests.http_server import run_http_server

ROOT = Path(__file__).parents[2]
RTSP_SERVER = Path(__file__).parent / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"
THRESHOLD = 0.9

Rtsp = tuple["subprocess.Popen[str]", str]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def expected_results(demo: Demo, image_id: int) -> list[dict[str, Any]]:
    return [
        result
        for result in demo.results
        if result["image_id"] == image_id and result["score"] >= THRESHOLD
    ]


def drawn_alone(demo: Demo, image_id: int) -> Pixels:
    """A picture of the demo with what is expected in it, uint8 [h, w, 3] in RGB."""
    [image] = [each for each in demo.content["images"] if each["id"] == image_id]
    results = expected_results(demo, image_id)
    boxes = np.array([result["bbox"] for result in results], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    detections = Detections(
        boxes=boxes,
        scores=np.array([result["score"] for result in results], np.float32),
        category_ids=np.array([result["category_id"] for result in results], np.int32),
        masks=tuple(result["segmentation"]["counts"] for result in results),
    )
    categories = {category["id"]: category["name"] for category in demo.content["categories"]}
    with Image.open(demo.images / image["file_name"]) as picture:
        return np.asarray(draw_detections(picture.convert("RGB"), detections, categories, {}))


@pytest.fixture
def video(pictures: dict[int, Pixels], tmp_path: Path) -> Path:
    """All pictures without loss."""
    return write_video(tmp_path / "clip.mkv", [*pictures.values()], "ffv1")


def test_a_video_becomes_an_annotated_video_and_a_line_a_frame_in_order(
    recorded_options: list[str],
    demo: Demo,
    video: Path,
    pictures: dict[int, Pixels],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "out"

    code = main(
        ["predict", str(video), *recorded_options, "--output", str(output), "--concurrency", "4",
         "--score-threshold", str(THRESHOLD)]
    )  # fmt: skip

    assert code == 0
    assert {path.name for path in output.iterdir()} == {"clip.mp4", "clip.jsonl"}
    lines = lines_of(output / "clip.jsonl")
    assert [line["frame"] for line in lines] == [*range(len(pictures))]
    assert [line["time"] for line in lines] == pytest.approx(
        [number / RATE for number in range(len(pictures))], abs=0.001
    )
    shown = read_video(output / "clip.mp4")
    for line, image_id, (time_s, frame) in zip(lines, pictures, shown, strict=True):
        # The server knows the picture by its hash: not one bit is another.
        for found, result in zip(line["detections"], expected_results(demo, image_id), strict=True):
            assert found["bbox"] == pytest.approx(result["bbox"], abs=1e-3)
            assert found == {**result, "image_id": line["frame"], "bbox": found["bbox"]}
        assert (line["width"], line["height"]) == (333, 251)
        assert time_s == pytest.approx(line["time"], abs=0.001)
        error = np.abs(frame[:251, :333].astype(int) - drawn_alone(demo, image_id)).mean()
        assert error < 10  # saturated colours lose sharpness in H.264
        assert error < np.abs(frame[:251, :333].astype(int) - pictures[image_id]).mean()
    count = sum(len(line["detections"]) for line in lines)
    printed = capsys.readouterr()
    assert re.fullmatch(
        f"{count} detections in {len(pictures)} frames of {video}, [0-9.]+ frames/s: drawn in "
        f"{output / 'clip.mp4'}, as JSON lines in {output / 'clip.jsonl'}\n",
        printed.out,
    )
    assert "frame/s" in printed.err


def test_each_nth_frame_alone_is_sent_and_written(
    recorded_server: TritonServer, demo: Demo, video: Path, tmp_path: Path
) -> None:
    predictions = predict(
        [video], connection_to(recorded_server), output=tmp_path / "out", every=4, progress=False
    )

    [made] = predictions.videos
    lines = lines_of(made.lines)
    assert [line["frame"] for line in lines] == [0, 4, 8, 12]
    times = [time_s for time_s, _ in read_video(made.drawn)]
    assert times == pytest.approx([0, 0.16, 0.32, 0.48], abs=0.001)
    assert not made.faults


def test_pictures_and_videos_of_a_folder_are_predicted_together(
    recorded_server: TritonServer,
    demo: Demo,
    pictures: dict[int, Pixels],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((demo.images / "000000.jpg").read_bytes())
    (folder / "broken.mp4").write_text("not a video")
    [frame, *_] = pictures.values()
    for name in ("x.mkv", "x.avi"):
        write_video(folder / name, [frame] * 2, "ffv1")

    code = main(
        ["predict", str(folder), "--output", str(output), *options_for(recorded_server, "grpc")]
    )

    assert code == 1
    assert {path.name for path in output.iterdir()} == {
        *("a.png", DETECTIONS, "x.mp4", "x.jsonl", "x-2.mp4", "x-2.jsonl")
    }
    printed = capsys.readouterr()
    [error] = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert error.startswith(f"error: {folder / 'broken.mp4'}: Invalid data found")
    assert len(printed.out.splitlines()) == 3


def test_a_frame_without_an_answer_is_told_and_the_rest_is_drawn(
    recorded_server: TritonServer,
    pictures: dict[int, Pixels],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second, *_ = pictures.values()
    unknown = np.invert(first)
    video = write_video(tmp_path / "x.mkv", [first, unknown, second, unknown], "ffv1")
    output = tmp_path / "out"

    code = main(
        ["predict", str(video), "--output", str(output), *options_for(recorded_server, "grpc")]
    )

    assert code == 1
    lines = lines_of(output / "x.jsonl")
    assert ["error" in line for line in lines] == [False, True, False, True]
    assert re.search(r"not a picture \(request [0-9a-f]{8}-x-1\)", lines[1]["error"])
    shown = read_video(output / "x.mp4")
    assert np.abs(shown[1][1][:251, :333].astype(int) - unknown).mean() < 8
    assert f"error: {video}: no answer for 2 frames, the first at 0.04 s: image: " in (
        capsys.readouterr().err
    )


def test_what_is_under_way_is_bounded(
    recorded_server: TritonServer,
    pictures: dict[int, Pixels],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [frame, *_] = pictures.values()
    video = write_video(tmp_path / "x.mkv", [frame] * 30, "ffv1")
    read, most = 0, 0
    lines = tmp_path / "out" / "x.jsonl"
    upright = reader._upright

    def counting(frame: Any) -> Pixels:
        nonlocal read, most
        read += 1
        most = max(most, read - lines.read_bytes().count(b"\n"))
        return upright(frame)

    monkeypatch.setattr(reader, "_upright", counting)

    predict(
        [video],
        connection_to(recorded_server, concurrency=3),
        output=tmp_path / "out",
        progress=False,
    )

    assert read == 30
    assert 3 <= most <= 5  # one is being read, and one written


def test_ctrl_c_leaves_a_video_that_plays_and_whole_lines(
    recorded_server: TritonServer, pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    video = write_video(tmp_path / "x.mkv", [*pictures.values()] * 30, "ffv1")
    lines, drawn = tmp_path / "out" / "x.jsonl", tmp_path / "out" / "x.mp4"
    command = [sys.executable, "-m", "client", "predict", str(video), "--output", str(drawn.parent)]
    process = subprocess.Popen(
        [*command, *options_for(recorded_server, "grpc")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 20)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == INTERRUPTED, stderr
    written = lines_of(lines)
    assert [line["frame"] for line in written] == [*range(len(written))]
    assert 20 <= len(written) < 30 * len(pictures)
    assert len(read_video(drawn)) == len(written)
    assert f"stopped after {len(written)} frames, kept in {drawn} and {lines}" in stderr
    assert "Traceback" not in stderr


def test_a_video_is_never_overwritten_by_its_drawing(
    pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "x.mp4", [*pictures.values()][:2])
    before = path.read_bytes()

    with pytest.raises(ClientError, match=r"would overwrite .*x\.mp4"):
        predict([path], Connection(), output=tmp_path)

    assert path.read_bytes() == before


def test_without_pyav_the_command_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.mp4").touch()
    monkeypatch.setitem(sys.modules, "av", None)

    assert main(["predict", str(tmp_path / "x.mp4")]) == 1

    assert capsys.readouterr().err == (
        "error: PyAV, which reads videos, is not installed: pip install av\n"
    )


class Camera(http.server.BaseHTTPRequestHandler):
    """A network camera that sends JPEGs: /N is of N pictures, and does not hang up then."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
        for _ in range(int(self.path[1:])):
            self.wfile.write(head % len(self.content) + self.content + b"\r\n")
            time.sleep(1 / RATE)
        self.server.released.wait(30)  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def camera(pictures: dict[int, Pixels]) -> Iterator[str]:
    content = io.BytesIO()
    [pixels, *_] = pictures.values()
    Image.fromarray(pixels).save(content, "JPEG")
    Camera.content = content.getvalue()
    with run_http_server(Camera) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        yield f"http://127.0.0.1:{server.server_port}"
        server.released.set()  # type: ignore[attr-defined]


def test_a_camera_that_is_faster_than_the_server_is_followed_and_its_silence_told(
    recorded_server: TritonServer, camera: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "SILENCE_S", 1.0)
    monkeypatch.setattr("client.predict_video._ppm", slowly(0.2))

    predictions = predict(
        [f"{camera}/40"],
        connection_to(recorded_server, concurrency=1),
        output=tmp_path,
        progress=False,
    )

    [made] = predictions.videos
    frames = [line["frame"] for line in lines_of(made.lines)]
    assert frames == sorted(frames)
    assert frames[0] == 0
    assert frames[-1] >= 38  # and not one of those long before
    assert made.left_out >= 40 - len(frames) - 1 > 10
    assert made.faults[0] == (f"it ended after {len(frames)} frames: nothing came for 1 s")
    assert len(read_video(made.drawn)) == len(frames)


def slowly(seconds: float) -> Any:
    from client.predict_video import _ppm

    def slow(pixels: Pixels) -> Any:
        time.sleep(seconds)
        return _ppm(pixels)

    return slow


def test_a_stream_that_cannot_be_reached_is_told_without_its_password(
    recorded_server: TritonServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["predict", "rtsp://me:s3cret@127.0.0.1:9/x", "--output", str(tmp_path),
         *options_for(recorded_server, "grpc")]
    )  # fmt: skip

    assert code == 1
    assert capsys.readouterr() == (
        "",
        "error: rtsp://127.0.0.1:9/x: Connection refused\n",
    )


@cache
def has_gstreamers_rtsp_server() -> bool:
    given = "import gi; gi.require_version('GstRtspServer', '1.0')"
    try:
        return not subprocess.run([SYSTEM_PYTHON, "-c", given], capture_output=True).returncode
    except OSError:
        return False


@pytest.fixture
def rtsp(pictures: dict[int, Pixels], tmp_path: Path) -> Iterator[Rtsp]:
    """GStreamer's RTSP server with 2 seconds of H.264, and the URL."""
    if not has_gstreamers_rtsp_server():
        pytest.skip(
            "no RTSP server: sudo apt-get install --no-install-recommends "
            "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good"
        )
    video = write_video(tmp_path / "served.mp4", ([*pictures.values()] * 4)[: 2 * RATE])
    server = subprocess.Popen(
        [SYSTEM_PYTHON, RTSP_SERVER, video], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield server, f"rtsp://127.0.0.1:{int(server.stdout.readline())}/camera"
    finally:
        server.kill()
        server.communicate()


def test_an_rtsp_stream_is_read_to_its_end(
    recorded_server: TritonServer,
    rtsp: Rtsp,
    tmp_path: Path,
) -> None:
    predictions = predict(
        [rtsp[1]], connection_to(recorded_server), output=tmp_path / "out", progress=False
    )

    [made] = predictions.videos
    lines = lines_of(made.lines)
    assert len(lines) == 2 * RATE
    assert [line["frame"] for line in lines] == [*range(2 * RATE)]
    assert lines[-1]["time"] == pytest.approx(2 - 1 / RATE, abs=0.02)
    assert made.drawn.name == "127-0-0-1-camera.mp4"
    assert len(read_video(made.drawn)) == 2 * RATE


def test_an_rtsp_server_that_dies_or_hangs_ends_the_video_and_is_told(
    recorded_server: TritonServer,
    rtsp: Rtsp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, url = rtsp
    monkeypatch.setattr(reader, "SILENCE_S", 1.0)
    lines = tmp_path / "out" / "127-0-0-1-camera.jsonl"

    def stop() -> None:
        wait_until(lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 10)
        server.send_signal(signal.SIGSTOP)

    thread = threading.Thread(target=stop)
    thread.start()
    predictions = predict(
        [url], connection_to(recorded_server), output=tmp_path / "out", progress=False
    )
    thread.join()

    [made] = predictions.videos
    assert 10 <= made.frames < 2 * RATE
    assert f"it ended after {made.frames} frames: nothing came for 1 s" in made.faults
    assert len(read_video(made.drawn)) == len(lines_of(made.lines)) == made.frames


def test_the_demos_model_finds_in_frames_what_it_finds_in_pictures(
    demo_server: TritonServer, pictures: dict[int, Pixels], tmp_path: Path
) -> None:
    frames = [*pictures.values()][2:4]
    video = write_video(tmp_path / "clip.mkv", frames, "ffv1")
    for number, pixels in enumerate(frames):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")

    predictions = predict(
        [tmp_path], connection_to(demo_server), output=tmp_path / "out", progress=False
    )

    [made] = predictions.videos
    assert (str(made.video), made.faults) == (str(video), [])
    for line, entry in zip(lines_of(made.lines), predictions.entries, strict=True):
        assert line["detections"]
        assert [(found["score"], found["segmentation"]) for found in line["detections"]] == [
            (found["score"], found["mask"]) for found in entry["detections"]
        ]
