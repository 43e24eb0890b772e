"""What Ray reads from the environment while it is imported."""

from __future__ import annotations

import os
import secrets


def prepare_environment(*, cluster: bool) -> None:
    """Keeps the Ray that is imported after this from reporting to its makers.

    Without a cluster it listens on 127.0.0.1 alone, and to those who know a token that is new.
    `ray.init` has an option for the address, but takes the machine's own in place of 127.0.0.1
    unless it believes to be on a system without clusters; and it would keep the token in a file.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not cluster:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
