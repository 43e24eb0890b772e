from __future__ import annotations

import pytest

from artifact.names import ModelNames
from perf.errors import PerfError
from perf.runner.target import check_build

TWO_BUILDS = [*ModelNames("birds"), *ModelNames("cars"), "resnet"]


def test_a_build_whose_four_models_are_there_is_there() -> None:
    check_build("models", ModelNames("cars"), TWO_BUILDS)


@pytest.mark.parametrize("name", ["trees", "birds_network", "resnet"])
def test_a_build_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(PerfError) as raised:
        check_build("models", ModelNames(name), TWO_BUILDS)
    assert f"models: no build {name} there: " in str(raised.value)
    assert "Builds there: birds, cars; --model says which" in str(raised.value)


def test_a_build_without_one_of_its_models_is_none() -> None:
    models = [name for name in ModelNames("birds") if name != "birds_postprocess"]
    with pytest.raises(PerfError, match=r"without birds_postprocess\. Builds there: none"):
        check_build("models", ModelNames("birds"), models)
