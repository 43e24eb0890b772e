"""What pycocotools does in a process of its own.

It is C that can neither be interrupted nor caught when it crashes; a process can be ended, and has
an exit status.
"""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
from typing import Any

from client.errors import ClientError


def in_own_process(script: str, arguments: tuple[Any, ...], task: str) -> Any:
    """What a script makes of a pickle of the arguments in its stdin: the JSON in its stdout.

    Args:
        script: the file.
        arguments: for its function.
        task: what it is to do, in the words of an error, such as `evaluate bbox on a.json`.

    Raises:
        ClientError: it ended with an error, or crashed.
    """
    ended = subprocess.run(
        [sys.executable, script], input=pickle.dumps(arguments), capture_output=True, check=False
    )
    if ended.returncode == 0:
        return json.loads(ended.stdout)
    if ended.returncode < 0:
        reason = f"it died of {signal.Signals(-ended.returncode).name}"
    else:
        reason = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise ClientError(f"pycocotools cannot {task}: {reason}")
