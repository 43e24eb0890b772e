"""supervision's own `Detections`, from the folder that make test installs it into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from client.errors import ClientError
from tests.client.test_result import result

ROOT = Path(__file__).parents[3]
SUPERVISION = ROOT / ".venv" / "supervision"

USE = """
import numpy as np
import supervision
from tests.client.test_result import masks, result, without_masks

found = result().to_supervision()
assert isinstance(found, supervision.Detections)
assert found.xyxy.tolist() == [[5, 10, 25, 20], [30, 0, 60, 30], [1, 1, 3, 3]]
assert found.confidence.tolist() == [np.float32(0.9), 0.75, 0.5]
assert found.class_id.tolist() == [1, 7, 9]
assert found["class_name"].tolist() == ["person", "train", "9"]
assert np.array_equal(found.mask, masks())
assert found.area.tolist()[:2] == [200, 900]
assert [*found[found["class_name"] == "train"].class_id] == [7]

boxes = without_masks(result()).to_supervision()
assert boxes.mask is None and len(boxes) == 3

drawn = supervision.MaskAnnotator().annotate(np.zeros((40, 60, 3), np.uint8), found)
assert drawn[15, 10].any() and not drawn[35, 10].any()
print("as it should be")
"""


def test_it_is_supervisions_own() -> None:
    if not SUPERVISION.is_dir():
        pytest.skip("make .venv/supervision/.complete installs it")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(SUPERVISION)!r}){USE}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("as it should be\n", "")


@pytest.mark.parametrize("package", ["fiftyone", "supervision"])
def test_one_that_is_not_installed_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ClientError, match=f"{package} is not installed: pip install {package}"):
        getattr(result(), f"to_{package}")()
