"""`client evaluate` and `merge` on an LVIS data set, against a real server."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from client.__main__ import main
from client.coco.shard import Shard
from client.merge import merge
from client.result_files import COCO_RESULTS, SUMMARY
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, evaluate_demo


@pytest.fixture(scope="module")
def lvis_demo(tmp_path_factory: pytest.TempPathFactory, demo: Demo) -> Demo:
    """The demo as LVIS would have it: of every picture all is known, as it is in COCO."""
    folder = tmp_path_factory.mktemp("lvis")
    content = copy.deepcopy(demo.content)
    for image in content["images"]:
        url = f"http://images.cocodataset.org/val2017/{image.pop('file_name')}"
        image.update(
            coco_url=url,
            neg_category_ids=[category["id"] for category in content["categories"]],
            not_exhaustive_category_ids=[],
        )
    for category, frequency in zip(content["categories"], "rcfrcfrc", strict=True):
        category["frequency"] = frequency
    (folder / "val2017").symlink_to(demo.images)
    annotations = folder / "lvis_v1_val.json"
    annotations.write_text(json.dumps(content))
    return Demo(folder, annotations, content, demo.results)


def test_where_everything_is_known_lvis_figures_are_cocos(
    recorded_server: TritonServer,
    lvis_demo: Demo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(
        ["evaluate", "--images", str(lvis_demo.images), "--annotations",
         str(lvis_demo.annotations), "--url", recorded_server.grpc_url, "--output", str(tmp_path)]
    )  # fmt: skip

    printed = capsys.readouterr().out
    assert code == 0
    assert printed.count("Average Precision") == 18
    assert printed.count("maxDets=300 catIds=  r] = ") == 2
    assert printed.endswith("\nbox AP 80.35, AP50 91.90; mask AP 72.20, AP50 89.26\n")
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert summary["versions"]["faster-coco-eval"]
    for kind in ("bbox", "segm"):
        of_category = [
            (category["frequency"], summary[kind][f"AP-{category['name']}"])
            for category in lvis_demo.content["categories"]
        ]
        for frequency in "rcf":
            some = [value for own, value in of_category if own == frequency]
            assert summary[kind][f"AP{frequency}"] == pytest.approx(sum(some) / len(some))


def test_merged_shards_are_the_evaluation_that_one_client_makes(
    recorded_server: TritonServer, lvis_demo: Demo, tmp_path: Path
) -> None:
    connection = connection_to(recorded_server, concurrency=4)
    whole = evaluate_demo(lvis_demo, connection, tmp_path / "whole")
    for number in (1, 2):
        evaluate_demo(lvis_demo, connection, tmp_path / str(number), shard=Shard(number, 2))

    merged = merge([tmp_path / "1", tmp_path / "2"], output=tmp_path / "merged")

    assert merged.metrics == whole.metrics
    assert "APr" in merged.metrics["segm"].values
    assert (tmp_path / "merged" / COCO_RESULTS).read_bytes() == (
        tmp_path / "whole" / COCO_RESULTS
    ).read_bytes()
