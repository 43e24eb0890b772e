"""What a folder must look like for Triton to serve it."""

from __future__ import annotations

from pathlib import Path

from server.errors import ServerError
from server.plain_path import PLAIN_CHARACTERS, is_plain


def check_repository(repository: Path, model_config_name: str | None) -> list[str]:
    """Returns the names of the models in ``repository``.

    Raises:
        ServerError: it is missing, cannot be read or holds no model; Triton's python backend would
            not bear the name of a model; or no model has the configuration
            ``configs/<model_config_name>.pbtxt``, where Triton would silently use the default.
    """
    try:
        models = _models(repository)
    except OSError as error:
        raise ServerError(f"{error.filename}: cannot be read: {error.strerror}") from None
    if not models:
        raise ServerError(
            f"{repository} holds no model: no folder in it has a config.pbtxt. "
            "python -m builder build writes a repository"
        )
    for model in models:
        if not is_plain(model) and any((repository / model).glob("*/*.py")):
            raise ServerError(
                f"{repository}: the python model {model!r}: Triton cannot start a process for a "
                f"model of this name; rename its folder, to one of {PLAIN_CHARACTERS}"
            )
    if model_config_name is not None:
        names = config_names(repository)
        if model_config_name not in names:
            raise ServerError(
                f"no model in {repository} has a configs/{model_config_name}.pbtxt; "
                f"there are: {', '.join(names) or 'none'}"
            )
    return models


def config_names(repository: Path) -> list[str]:
    """Returns what --model-config-name may be: the names of the models' other configurations."""
    return sorted({path.stem for path in repository.glob("*/configs/*.pbtxt")})


def _models(repository: Path) -> list[str]:
    if not repository.is_dir():
        raise ServerError(f"{repository}: no such folder; expected a Triton model repository")
    if (repository / "config.pbtxt").exists():
        raise ServerError(
            f"{repository} is a single model; name the repository that holds it: "
            f"{repository.absolute().parent}"
        )
    # Not glob, which passes over what may not be read.
    return sorted(entry.name for entry in repository.iterdir() if (entry / "config.pbtxt").exists())
