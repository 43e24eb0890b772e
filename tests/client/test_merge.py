"""`client evaluate --shard` and `client merge`: what several clients make is what one makes."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.__main__ import main
from client.coco.shard import Shard
from client.coco.summary import Summary
from client.errors import ClientError
from client.merge import merge
from client.result_files import COCO_RESULTS, RESULTS, SUMMARY
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to, evaluate_demo


@pytest.fixture(scope="module")
def evaluated(
    recorded_server: TritonServer, demo: Demo, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folders `whole`, and `1`, `2` and `3` for the three shards of it."""
    folder = tmp_path_factory.mktemp("evaluated")
    for name, shard in [("whole", None), *((str(n), Shard(n, 3)) for n in (1, 2, 3))]:
        evaluate_demo(
            demo, connection_to(recorded_server, concurrency=4), folder / name, shard=shard
        )
    return folder


@pytest.fixture
def shards(evaluated: Path, tmp_path: Path) -> list[Path]:
    """Copies to damage."""
    return [shutil.copytree(evaluated / name, tmp_path / name) for name in "123"]


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / SUMMARY).read_text())


def answers(lines: list[str]) -> dict[int, Any]:
    """By the picture's id, whenever they came."""
    by_image = {}
    for line in map(json.loads, lines):
        line.pop("timing")
        by_image[line["image_id"]] = line
    return by_image


def test_merged_shards_are_the_evaluation_that_one_client_makes(
    evaluated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "merged"
    folders = [str(evaluated / name) for name in ("2", "3", "1")]

    assert main(["merge", *folders, "--output", str(output)]) == 0

    merged, whole = summary_of(output), summary_of(evaluated / "whole")
    for name in ("bbox", "segm", "images", "detections", "complete", "model", "shard"):
        assert merged[name] == whole[name]
    same = (output / COCO_RESULTS).read_bytes() == (evaluated / "whole" / COCO_RESULTS).read_bytes()
    assert same
    (header, *lines), (expected_header, *expected) = (
        (folder / RESULTS).read_text().splitlines() for folder in (output, evaluated / "whole")
    )
    assert header == expected_header
    shards = [(evaluated / n / RESULTS).read_text().splitlines()[1:] for n in "123"]
    assert sorted(lines) == sorted(line for shard in shards for line in shard)
    assert answers(lines) == answers(expected)
    printed = capsys.readouterr().out
    assert "64 pictures, 723 detections" in printed
    assert printed.endswith("\nbox AP 80.35, AP50 91.90; mask AP 72.20, AP50 89.26\n")


def test_shards_of_a_model_of_any_name_are_merged(
    two_models_server: TritonServer, renumbered_demo: Demo, tmp_path: Path
) -> None:
    for number in (1, 2):
        connection = connection_to(two_models_server, model="renumbered")
        folder = tmp_path / str(number)
        evaluate_demo(renumbered_demo, connection, folder, shard=Shard(number, 2))

    summary = merge([tmp_path / "1", tmp_path / "2"], output=tmp_path / "merged")

    assert summary.metrics["bbox"].values["AP"] == pytest.approx(80.3482, abs=1e-3)
    assert summary.metrics["segm"].values["AP"] == pytest.approx(72.2021, abs=1e-3)


def test_a_shards_figures_are_of_its_own_pictures_and_say_so(evaluated: Path) -> None:
    summaries = [summary_of(evaluated / name) for name in "123"]

    assert [summary["shard"] for summary in summaries] == ["1/3", "2/3", "3/3"]
    assert [summary["images"] for summary in summaries] == [22, 21, 21]
    # Were they counted over all pictures, two thirds would be missed.
    assert all(summary["bbox"]["AP"] > 70 for summary in summaries)


def test_a_shard_is_resumed_and_only_that_shard(
    recorded_server: TritonServer,
    demo: Demo,
    shards: list[Path],
    evaluated: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = (shards[1] / RESULTS).read_text().splitlines(keepends=True)
    (shards[1] / RESULTS).write_text("".join(lines[:8]))
    arguments = ["evaluate", "--images", str(demo.images), "--annotations", str(demo.annotations),
                 "--url", recorded_server.grpc_url, "--output", str(shards[1]),
                 "--resume"]  # fmt: skip

    assert main([*arguments, "--shard", "1/3"]) == 1
    assert "it is another run: shard was 2/3, now 1/3" in capsys.readouterr().err
    assert main(arguments) == 1
    assert "it is another run: shard was 2/3, now None" in capsys.readouterr().err
    assert main([*arguments, "--shard", "2/3"]) == 0
    printed = capsys.readouterr().out
    assert "bbox, shard 2/3:" in printed
    assert "21 pictures, 7 of them from the run before" in printed
    assert printed.splitlines()[-1].startswith("shard 2/3, 21 pictures: box AP ")
    assert (shards[1] / COCO_RESULTS).read_bytes() == (evaluated / "2" / COCO_RESULTS).read_bytes()


def test_pictures_without_a_result_are_named_and_the_figures_marked(
    shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = shards[1] / RESULTS
    header, line, *rest = file.read_text().splitlines(keepends=True)
    file.write_text(header + "".join(rest))
    name = f"{json.loads(line)['image_id'] - 1:06}.jpg"

    code = main(["merge", *map(str, shards), "--output", str(tmp_path / "merged")])

    printed = capsys.readouterr()
    assert code == 1
    assert "1 of 64 pictures have no result:" in printed.out
    assert f"  {name}: no result in shard 2/3 ({shards[1]}): continue it" in printed.out
    assert printed.out.splitlines()[-1].startswith("INCOMPLETE, 63 of 64 pictures: box AP")


def rewrite_header(change: Callable[[dict[str, Any]], None]) -> Callable[[list[Path]], None]:
    def damage(shards: list[Path]) -> None:
        file = shards[2] / RESULTS
        header, *lines = file.read_text().splitlines(keepends=True)
        content = json.loads(header)
        change(content["run"])
        file.write_text(json.dumps(content) + "\n" + "".join(lines))

    return damage


def of_another_model(run: dict[str, Any]) -> None:
    run["model"]["mask_rcnn"]["parameters"]["resize"] = "opencv"


def drop_last(shards: list[Path]) -> None:
    shards.pop()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_last, r"missing: shard 3/3"),
        (lambda shards: shards.append(shards[0]), r"shard 1/3 \(.*\) and .* are the same shard"),
        (rewrite_header(of_another_model),
         r"shard 1/3 \(.*/1\) and shard 3/3 \(.*/3\) are of different runs: "
         r"model\.mask_rcnn\.parameters\.resize is None and opencv"),
        (rewrite_header(lambda run: run["pictures"].update(count=65)),
         r"different runs: pictures\.count is 64 and 65"),
        (rewrite_header(lambda run: run.update(shard=3)), r"line 1 of .*3/results\.jsonl is dam"),
        (rewrite_header(lambda run: run.update(shard="4/3")), "line 1 of .* is damaged"),
        (rewrite_header(lambda run: run.update(model={})), "line 1 of .* is damaged"),
        (rewrite_header(lambda run: run.update(model={"a": 1})), "line 1 of .* is damaged"),
        (rewrite_header(lambda run: run["model"]["mask_rcnn"]["parameters"].update(
            categories="[" * 100_000)), "line 1 of .* is damaged"),
        (rewrite_header(lambda run: run.update(shard="3/4")), "do not belong together"),
        (rewrite_header(lambda run: run.pop("shard")), "of the whole data set, not of a shard"),
        (lambda shards: (shards[2] / RESULTS).write_text(""), r"3/results\.jsonl is not the res"),
        (lambda shards: (shards[2] / RESULTS).unlink(), r"cannot read .*3/results\.jsonl: No such"),
    ],
)  # fmt: skip
def test_shards_that_do_not_make_a_whole_are_refused_and_nothing_is_written(
    shards: list[Path], tmp_path: Path, damage: Callable[[list[Path]], Any], message: str
) -> None:
    damage(shards)

    with pytest.raises(ClientError, match=message):
        merge(shards, output=tmp_path / "merged")

    assert not (tmp_path / "merged").exists()


def test_results_of_other_pictures_than_the_shards_are_refused(
    shards: list[Path], tmp_path: Path
) -> None:
    line = (shards[0] / RESULTS).read_text().splitlines(keepends=True)[1]
    with (shards[1] / RESULTS).open("a") as file:
        file.write(line)

    with pytest.raises(ClientError, match=r"shard 2/3 .* has results for pictures of other shards"):
        merge(shards, output=tmp_path / "merged")


def test_results_that_no_picture_can_have_are_refused(shards: list[Path], tmp_path: Path) -> None:
    file = shards[1] / RESULTS
    file.write_text(re.sub(r'"score":[0-9.]+', '"score":NaN', file.read_text(), count=1))

    with pytest.raises(ClientError, match=r"2/results\.jsonl is damaged: detection 1: "):
        merge(shards, output=tmp_path / "merged")

    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("summary", ["", "[" * 200_000, "7", "{}", '{"annotation_file": 7}'])
def test_without_a_summary_the_annotation_file_is_asked_for(
    shards: list[Path], tmp_path: Path, summary: str
) -> None:
    for shard in shards:
        (shard / SUMMARY).write_text(summary)

    with pytest.raises(ClientError, match="give it with --annotations"):
        merge(shards, output=tmp_path / "merged")


def test_the_annotation_file_may_lie_elsewhere_and_be_mended_but_not_be_of_other_pictures(
    shards: list[Path], demo: Demo, tmp_path: Path
) -> None:
    content = copy.deepcopy(demo.content)
    file = tmp_path / "moved.json"

    def merge_with(content: dict[str, Any], output: str) -> Summary:
        file.write_text(json.dumps(content))
        return merge(shards, output=tmp_path / output, annotations=file)

    whole = merge_with(content, "same").metrics["bbox"].values["AP"]
    content["annotations"] = content["annotations"][1:]
    mended = merge_with(content, "mended")
    assert mended.complete
    assert mended.metrics["bbox"].values["AP"] != whole
    content["annotations"][0]["bbox"] = None
    with pytest.raises(
        ClientError, match=r"moved\.json is not COCO's format:\n  annotations\[0\] "
    ):
        merge_with(content, "faulty")
    content["annotations"].clear()
    content["images"].pop()
    with pytest.raises(ClientError, match=r"moved\.json is of other pictures than the shards"):
        merge_with(content, "other")


def test_categories_and_masks_are_compared_with_the_model_that_answered(
    shards: list[Path], demo: Demo, tmp_path: Path
) -> None:
    content = copy.deepcopy(demo.content)
    content["categories"][1]["name"] = "quadrangle"
    file = tmp_path / "renamed.json"
    file.write_text(json.dumps(content))

    (note,) = merge(shards, output=tmp_path / "merged", annotations=file).notes

    assert note.startswith(f"category 2 is 'quadrangle' in {file} and 'square' in the model")
    del content["annotations"][0]["segmentation"]
    file.write_text(json.dumps(content))
    with pytest.raises(ClientError, match=r"no segmentation in annotations\[0\] \(id 1\), and oth"):
        merge(shards, output=tmp_path / "partly", annotations=file)
