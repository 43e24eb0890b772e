"""Files that several models have beside their `model.py`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

MODELS = Path(__file__).parents[2] / "model_repository"


def test_a_file_of_several_models_is_one_file_and_links_to_it() -> None:
    by_name = defaultdict(list)
    for file in MODELS.glob("*/1/*.py"):
        by_name[file.name].append(file)
    del by_name["model.py"]
    shared = {name: files for name, files in by_name.items() if len(files) > 1}
    assert shared.keys() == {"metrics.py", "request_report.py", "step.py"}
    for files in shared.values():
        assert sum(not file.is_symlink() for file in files) == 1
        assert len({file.resolve() for file in files}) == 1
