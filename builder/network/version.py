"""Which network code made a network."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

CODE = Path(__file__).parent


def network_version() -> str:
    """A hash of the code in `builder.network` and of the onnxscript that it is written in.

    What is built from the same configuration and weights can differ only if this does.
    """
    digest = hashlib.sha256(version("onnxscript").encode())
    for file in sorted(CODE.rglob("*.py")):
        name = file.relative_to(CODE).as_posix()
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
