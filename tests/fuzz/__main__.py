"""``python -m tests.fuzz``: fuzzes the readers of strangers' bytes, guided by coverage.

Each target runs in a process of its own under Atheris, which keeps changing the inputs that reach
new lines of the readers. An input that breaks a promise, takes more than `TIMEOUT_S` or more than
`MEMORY_MB` ends its target and is kept in ``build/fuzz``, as is the corpus, from which the next run
goes on.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import warnings
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/fuzz"
MODELS = [ROOT / f"model_repository/mask_rcnn_{name}/1" for name in ("preprocess", "postprocess")]

TIMEOUT_S = 20
MEMORY_MB = 2048
READERS = (
    *("builder", "client", "pickle", "yaml", "zipfile"),
    *("PIL", "decode", "jpeg", "canvas", "resize", "rle"),
)
"""The modules whose lines count as coverage."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="which; default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target; default: 60")
    parser.add_argument("--input", type=Path, help="run one target on this file alone")
    arguments = parser.parse_args()
    names = arguments.targets or _target_names()
    if arguments.input is not None:
        (name,) = names
        _fuzz(name, [str(arguments.input)])
    return max(_fuzz_apart(name, arguments.seconds) for name in names)


def _target_names() -> list[str]:
    sys.path[:0] = map(str, MODELS)
    from tests.fuzz.targets import TARGETS

    return list(TARGETS)


def _fuzz_apart(name: str, seconds: int) -> int:
    """Fuzzes one target in a process of its own; prints a line, and returns 1 for a finding."""
    folder = FOLDER / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    options = [
        str(folder / "corpus"),
        f"-artifact_prefix={folder}/",
        f"-max_total_time={seconds}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        "-max_len=20000",
        "-print_final_stats=1",
    ]
    call = f"from tests.fuzz.__main__ import _fuzz; _fuzz({name!r}, {options!r})"
    with log.open("wb") as file:
        code = subprocess.call([sys.executable, "-c", call], cwd=ROOT, stdout=file, stderr=file)
    text = log.read_text(errors="replace")
    runs = re.findall(r"stat::number_of_executed_units: (\d+)|^#(\d+)", text, re.MULTILINE)
    lines = re.findall(r"cov: (\d+)", text)
    print(
        f"{name}: {max((int(a or b) for a, b in runs), default=0)} runs, "
        f"{lines[-1] if lines else 0} places of the code reached, "
        f"{'nothing found' if code == 0 else f'FOUND SOMETHING: see {log}'}",
        flush=True,
    )
    return int(code != 0)


def _fuzz(name: str, options: list[str]) -> None:
    """Fuzzes in this process; does not return."""
    try:
        import atheris
    except ImportError:
        sys.exit("error: atheris is not installed; run `make fuzz`")
    sys.path[:0] = map(str, MODELS)
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=list(READERS)):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]

    def run(data: bytes) -> None:
        target.run(data)

    def change(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.2 or not data:
            data = random.choice(target.seeds)
        if random.random() < 0.3:
            return bytes(atheris.Mutate(data, min(most, max(len(data), 1)) if data else most))
        return target.changed(data, random)[:most]

    atheris.Setup([name, *options], run, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
