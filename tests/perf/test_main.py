from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from perf.__main__ import main

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "run",
    "report",
    "side-by-side",
    "served-share",
    "profile-network",
    "growth",
    "full-size-demo",
)


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as raised:
        main([*command, "--help"])
    assert raised.value.code == 0
    return capsys.readouterr().out


def test_the_help_lists_every_command_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^    ([a-z-]+)\s+\S", help_of(capsys), re.MULTILINE)
    assert tuple(listed) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, command)
    assert text.startswith(f"usage: python -m perf {command} ")
    assert len(text.split("\n\n")[1]) > 50


@pytest.mark.parametrize(
    "document",
    ["docs/commands.md", "docs/gpu.md", "docs/performance.md", "docs/notebook.md", "Makefile"],
)
def test_the_documented_commands_exist(document: str) -> None:
    commands = re.findall(r"-m perf(\S*) ([a-z-]+)", (ROOT / document).read_text())
    assert commands
    assert {command for _, command in commands} <= set(COMMANDS)
    assert {module for module, _ in commands} == {""}


def test_ctrl_c_ends_a_study_without_a_traceback(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from perf.__main__ import main\n"
        "from perf.studies import full_size_demo\n"
        "full_size_demo.widen = lambda weights: os.kill(os.getpid(), signal.SIGTERM)\n"
        f"sys.exit(main(['full-size-demo', '--output', {str(tmp_path / 'demo')!r}]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 130
    assert run.stderr.strip() == "interrupted"
