"""/dev/shm, through which Triton and its python models hand each other tensors."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")

# Eight COCO pictures on the square canvas, 8 × 1344 × 1344 × 3 bytes, are 43 MB, and are there
# twice: as preprocessing's output and as the network's input. Docker's own default is 64 MB.
ENOUGH_BYTES = 256 * 2**20


def shortage() -> str | None:
    """Says how to get more shared memory, where there is so little that large batches may fail."""
    free = shutil.disk_usage(FOLDER).free
    if free >= ENOUGH_BYTES:
        return None
    return (
        f"{FOLDER} has {free // 2**20} MB free and python models exchange tensors there, so large "
        f"batches may fail; {ENOUGH_BYTES // 2**20} MB are enough. In Docker: --shm-size=1g; "
        f"elsewhere: sudo mount -o remount,size=1g {FOLDER}"
    )


def hide_regions(prefix: str) -> None:
    """Keeps the machine's other users from reading the tensors, which Triton's python backend
    lets them, whatever the umask."""
    for region in FOLDER.glob(f"{prefix}*"):
        with suppress(FileNotFoundError):  # its model was unloaded meanwhile
            region.chmod(0o600)


def remove_regions(prefix: str) -> None:
    """Removes the regions whose name begins with ``prefix``, as killed python models leave them."""
    for region in FOLDER.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)
