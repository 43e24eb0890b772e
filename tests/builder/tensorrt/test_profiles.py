from __future__ import annotations

import pytest

from artifact.manifest import Profile
from builder.errors import BuildError
from builder.tensorrt.bindings import Bindings
from builder.tensorrt.log import make_logger
from builder.tensorrt.profiles import add_profiles, canvas_profiles

INPUTS = {"canvas": (-1, -1, -1, 3), "image_size": (-1, 2)}


def test_there_is_a_profile_for_each_canvas_in_which_the_batch_alone_varies() -> None:
    landscape, portrait = canvas_profiles(INPUTS, [(288, 480), (480, 288)], 4, 8)
    assert landscape == Profile(
        min={"canvas": (1, 288, 480, 3), "image_size": (1, 2)},
        opt={"canvas": (4, 288, 480, 3), "image_size": (4, 2)},
        max={"canvas": (8, 288, 480, 3), "image_size": (8, 2)},
    )
    assert portrait.opt["canvas"] == (4, 480, 288, 3)


def test_tensorrt_takes_the_profiles_in_their_order(rtx: Bindings) -> None:
    builder = rtx.create_builder(make_logger(rtx.trt))
    config = builder.create_builder_config()
    add_profiles(builder, config, canvas_profiles(INPUTS, [(288, 480), (480, 288)], 4, 8))
    assert config.num_optimization_profiles == 2


def test_a_profile_that_tensorrt_refuses_is_named(rtx: Bindings) -> None:
    builder = rtx.create_builder(make_logger(rtx.trt))
    [profile] = canvas_profiles(INPUTS, [(288, 480)], opt_batch=9, max_batch=8)
    with pytest.raises(BuildError, match=r"refuses the optimization profile .*9, 288, 480"):
        add_profiles(builder, builder.create_builder_config(), [profile])
