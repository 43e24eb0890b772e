from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.errors import PerfError
from perf.scenario import SCENARIOS, load_scenario

DEMO = Path(__file__).parents[2] / "demo"


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_scenario_of_the_project_fits_the_demo(path: Path) -> None:
    scenario = load_scenario(path)
    assert scenario.repository == DEMO / "output" / "model_repository"
    assert scenario.images == DEMO / "val" / "images"
    assert scenario.model_config_name == "onnxruntime"
    assert scenario.loads


def test_all_that_a_user_measures_has_a_scenario() -> None:
    assert {path.stem for path in SCENARIOS.glob("*.yaml")} >= {
        *("latency", "throughput", "soak", "pipeline_capacity", "pipeline_capacity_full"),
        *("preprocess", "network", "postprocess"),
    }


def test_paths_are_relative_to_the_scenarios_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "mine.yaml").write_text(
        "title: Mine\nrepository: ../models\nimages: /srv/images\nconcurrency: 2\n"
    )
    monkeypatch.chdir("/")
    scenario = load_scenario(folder / "mine.yaml")
    assert scenario.repository == tmp_path / "models"
    assert scenario.images == Path("/srv/images")
    assert (scenario.name, scenario.concurrency, scenario.batch) == ("mine", (2,), 1)


def test_options_take_the_place_of_the_files_values(scenario_file: Callable[..., Path]) -> None:
    path = scenario_file("concurrency: 1")
    other = load_scenario(path, repository=Path("models"), images=Path("pictures"))
    assert other.repository == Path("models")
    assert other.images == Path("pictures")
    assert other.model_config_name is None, "the file's is for the file's repository"
    named = load_scenario(path, repository=Path("models"), model_config_name="fast")
    assert named.model_config_name == "fast"
    assert load_scenario(path).model == "mask_rcnn"
    assert load_scenario(path, model="birds").names.network == "birds_network"


def test_repeat_measures_the_same_loads_again(scenario_file: Callable[..., Path]) -> None:
    scenario = load_scenario(scenario_file("request_rate: [1, 2.5]", "repeat: 2"))
    assert scenario.loads == (1.0, 2.5, 1.0, 2.5)
    assert scenario.load_kind == "request_rate"


@pytest.mark.parametrize(
    ("lines", "named", "expected"),
    [
        (["concurency: 1"], "'concurency'", "did you mean concurrency?"),
        (["Batch: 1"], "'Batch'", "did you mean batch?"),
        (["zzz: 1"], "'zzz'", "there are: repository"),
        (["1: 2"], "unknown key 1", ""),
        ([], "either concurrency or request_rate", ""),
        (["concurrency: 1", "request_rate: 1"], "and not both", ""),
        (["concurrency: 0"], "concurrency is 0", "from 1 to 1024"),
        (["concurrency: true"], "concurrency is True", "an integer"),
        (["concurrency: '4'"], "concurrency is '4'", "an integer"),
        (["concurrency: []"], "concurrency is []", "or a list of such"),
        (["concurrency: [1, 2.5]"], "concurrency is [1, 2.5]", "an integer"),
        (["concurrency: '1:8:1'"], "concurrency is '1:8:1'", "or a list of such"),
        (["concurrency:"], "concurrency is None", "an integer"),
        (["request_rate: 0"], "request_rate is 0", "above 0"),
        (["request_rate: .nan"], "request_rate is nan", "above 0"),
        (["request_rate: .inf"], "request_rate is inf", "up to 100000"),
        (["concurrency: 1", "batch: 1.0"], "batch is 1.0", "an integer"),
        (["concurrency: 1", "transport: shm"], "is 'shm'", "plain or system_shared_memory"),
        (["concurrency: 1", "step: resnet"], "step is 'resnet'", "preprocess or network or"),
        (["concurrency: 1", "step: [a]"], "step is ['a']", "preprocess or network or"),
        (["concurrency: 1", "model: [a]"], "model is ['a']", "a text"),
        (["concurrency: 1", "percentile: 100"], "percentile is 100", "from 1 to 99"),
        (["concurrency: 1", "max_windows: 2"], "max_windows is 2", "from 3"),
        (["concurrency: 1", "title: 3"], "title is 3", "a text"),
        (["concurrency: 1", "images: [a, b]"], "images is ['a', 'b']", "a folder"),
        (["concurrency: 1", "network: recorded", "step: network"], "network is", "step is network"),
        (["concurrency: 1", 'images: "a\\0b"'], "images is 'a", "a folder"),
        (["concurrency: 1", 'images: "\\ud800"'], "images is '", "a folder"),
        (["concurrency: 1", 'title: "\\ud800"'], "title is '", "a text"),
        (["concurrency: 1", "repeat: 2001-99-99"], "is not YAML", "month must be in 1..12"),
        (["concurrency: ["], "is not YAML", ""),
    ],
)
def test_what_is_no_scenario_is_refused_with_the_key_and_what_was_expected(
    scenario_file: Callable[..., Path], lines: list[str], named: str, expected: str
) -> None:
    path = scenario_file(*lines)
    with pytest.raises(PerfError) as raised:
        load_scenario(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert named in str(raised.value)
    assert expected in str(raised.value)


@pytest.mark.parametrize("key", ["repository", "images", "title"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    lines = {"repository": "/models", "images": "/images", "title": "T", "concurrency": "1"}
    del lines[key]
    path = tmp_path / "incomplete.yaml"
    path.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    with pytest.raises(PerfError, match=f"{key} is missing"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "found NoneType"),
        (b"- concurrency: 1\n", "found list"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "broken.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PerfError, match=reason):
        load_scenario(path)
