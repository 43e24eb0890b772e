"""The client alone, as an application installs it."""

from __future__ import annotations

import subprocess
import sys
import venv
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from client.distribution import PACKAGE, renamed
from server.launch import TritonServer
from tests.client.conftest import Demo

ROOT = Path(__file__).parents[2]

APPLICATION = """
import sys
from mask_rcnn_client import Detector

with Detector(sys.argv[1]) as detector:
    found = detector(sys.argv[2])
    assert found.masks is not None
    found.draw()
    print(len(found))
strangers = {"artifact", "builder", "client", "demo", "perf", "server"} & {*sys.modules}
assert not strangers, strangers
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT / "client",
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_it_brings_one_package_of_the_projects_own_name(wheel: Path) -> None:
    with ZipFile(wheel) as content:
        names = content.namelist()
        (metadata,) = (name for name in names if name.endswith("METADATA"))
        described = Parser().parsestr(content.read(metadata).decode())
    assert {name.split("/")[0] for name in names} == {PACKAGE, metadata.split("/")[0]}
    assert not [name for name in names if "distribution" in name or name.endswith(".toml")]
    assert described["Name"] == "mask-rcnn-client"
    needed = " ".join(described.get_all("Requires-Dist") or [])
    assert "numpy" in needed
    assert "tritonclient[grpc,http]" in needed
    assert "pyyaml" not in needed


def test_no_module_of_it_imports_a_package_that_is_not_there(wheel: Path) -> None:
    with ZipFile(wheel) as content:
        sources = {
            name: content.read(name).decode() for name in content.namelist() if name.endswith(".py")
        }
    assert f"{PACKAGE}/detector.py" in sources
    for name, source in sources.items():
        for line in source.splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]):
                assert words[1].split(".")[0] not in ("client", "artifact", "server"), name


@pytest.mark.parametrize("line", ["import clients", "fromclient = 1", "# client.x", "x = client"])
def test_only_imports_are_renamed(line: str) -> None:
    assert renamed(line) == line


def test_an_application_detects_with_it(
    wheel: Path, recorded_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    with ZipFile(wheel) as content:
        content.extractall(packages)
    # What it depends on is that of these tests.
    Path(packages, "dependencies.pth").write_text(str(Path(pytest.__file__).parents[1]))
    picture = demo.images / demo.content["images"][0]["file_name"]

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    done = run("-c", APPLICATION, recorded_server.grpc_url, str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0

    helped = run("-m", PACKAGE, "predict", "--help")
    assert helped.stdout.startswith(f"usage: python -m {PACKAGE} predict")
