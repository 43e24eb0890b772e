"""What is meant by what the command is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.errors import ClientError
from client.video.sources import Video, find_sources


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with files that nobody opens here."""
    monkeypatch.chdir(tmp_path)
    for name in (
        *("a.jpg", "clips/b.mp4", "clips/c.MKV", "clips/notes.txt", "clips/deep/d.avi"),
        *("clips/e.png", "x[1].mp4", "rtsp:/cam.mp4"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "recursive", "pictures", "videos"),
    [
        (["a.jpg", "clips/b.mp4"], False, ["a.jpg"], ["clips/b.mp4"]),
        (["clips"], False, ["clips/e.png"], ["clips/b.mp4", "clips/c.MKV"]),
        (["clips"], True, ["clips/e.png"], ["clips/b.mp4", "clips/c.MKV", "clips/deep/d.avi"]),
        (["clips/*.mp4"], False, [], ["clips/b.mp4"]),
        (["clips/**/*.[am]*"], False, [], ["clips/b.mp4", "clips/deep/d.avi"]),
        (["x[1].mp4"], False, [], ["x[1].mp4"]),
        (["rtsp:/cam.mp4"], False, [], ["rtsp:/cam.mp4"]),
        (["clips", "clips/b.mp4"], False, ["clips/e.png"], ["clips/b.mp4", "clips/c.MKV"]),
    ],
)
def test_files_folders_and_patterns(
    given: list[str], recursive: bool, pictures: list[str], videos: list[str]
) -> None:
    sources = find_sources(given, recursive=recursive)

    assert [*map(str, sources.pictures)] == pictures
    assert [*map(str, sources.videos)] == videos
    assert all(video.is_file for video in sources.videos)


@pytest.mark.parametrize(
    ("given", "address", "shown", "wanted"),
    [
        ("camera:0", "/dev/video0", "camera:0", "camera-0"),
        ("/dev/video2", "/dev/video2", "/dev/video2", "camera-2"),
        (
            "rtsp://me:s3cret@cam.example:554/Streaming/101?token=s3cret",
            "rtsp://me:s3cret@cam.example:554/Streaming/101?token=s3cret",
            "rtsp://cam.example:554/Streaming/101",
            "cam-example-Streaming-101",
        ),
        ("http://10.0.0.7/..%2F../", "http://10.0.0.7/..%2F../", "http://10.0.0.7/..%2F../", None),
    ],
)
def test_cameras_and_streams_are_told_without_their_passwords(
    given: str, address: str, shown: str, wanted: str | None
) -> None:
    [(video, path)] = find_sources([given]).videos.items()

    assert (video.address, str(video), video.is_file) == (address, shown, False)
    assert str(path) == (wanted or "10-0-0-7-2F")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["gone.mp4"], "no such file or folder: gone.mp4"),
        (["gone/*.mp4"], r"no file matches gone/\*.mp4"),
        (["camera:0", "a.jpg"], "camera:0 is a camera or a stream, .* a run of its own"),
        (["rtsp://a/x", "rtsp://b/x"], "rtsp://a/x is a camera or a stream"),
        (["ftp://a/x.mp4"], "ftp:// is not read: streams are of http, https, rtsp, rtsps"),
        (["rtsp:///x"], "rtsp:///x names no host"),
        (["rtsp://[::1/x"], "is no URL"),
        (["rtsp:"], r"no pictures in rtsp:|no such file"),
    ],
)
def test_what_is_not_there_is_told(given: list[str], reason: str, tmp_path: Path) -> None:
    if given == ["rtsp:"]:
        (tmp_path / "rtsp:/cam.mp4").unlink()

    with pytest.raises(ClientError, match=reason):
        find_sources(given)


def test_a_path_is_taken_as_it_is() -> None:
    assert [*find_sources([Path("x[1].mp4")]).videos] == [
        Video("x[1].mp4", "x[1].mp4", is_file=True)
    ]
