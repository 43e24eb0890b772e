from __future__ import annotations

from pathlib import Path

from artifact.names import ModelNames

ROOT = Path(__file__).parents[2]


def test_the_default_names_are_those_of_the_repository_as_checked_in() -> None:
    checked_in = {path.parent.name for path in ROOT.glob("model_repository/*/config.pbtxt")}
    assert set(ModelNames()) == checked_in


def test_the_ensemble_comes_first_and_its_steps_in_their_order() -> None:
    assert list(ModelNames("birds")) == [
        "birds",
        "birds_preprocess",
        "birds_network",
        "birds_postprocess",
    ]


def test_the_networks_files_lie_in_its_one_version() -> None:
    assert ModelNames("birds").network_folder == Path("birds_network/1")


def test_two_builds_share_no_name() -> None:
    assert not set(ModelNames("birds")) & set(ModelNames("bird"))
