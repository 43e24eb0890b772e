"""A repository whose network is a stand-in, of which the capacity is known."""

from __future__ import annotations

import shutil
from pathlib import Path

from artifact.names import ONNX, ModelNames

NAMES = ModelNames()


def write_stand_in(folder: Path, repository: Path, model_config_name: str, seconds: float) -> Path:
    """A copy of a repository whose network is that of network/model.py, on the CPU.

    Its instances, batcher and queue policy are those of `model_config_name`.

    Args:
        seconds: what a batch takes, of any size.
    """
    shutil.copytree(repository, folder, ignore=shutil.ignore_patterns(ONNX))
    shutil.copy(Path(__file__).with_name("network") / "model.py", folder / NAMES.network_folder)
    config = folder / NAMES.network / "configs" / f"{model_config_name}.pbtxt"
    text = config.read_text().replace("KIND_GPU", "KIND_CPU")
    config.write_text(
        f'{text}parameters {{ key: "seconds" value: {{ string_value: "{seconds}" }} }}\n'
    )
    return folder
