from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from builder.weights.batch_norm import EPSILON, fold_batch_norm


def batch_norm(
    x: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    bias: npt.NDArray[np.float64],
    running_mean: npt.NDArray[np.float64],
    running_var: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """torch's definition of BatchNorm2d at inference, on [P, C]."""
    return (x - running_mean) / np.sqrt(running_var + 1e-5) * weight + bias


@pytest.mark.parametrize("smallest_variance", [0.0, 1e-6, 0.5])
def test_the_folded_convolution_computes_convolution_and_batch_norm(
    smallest_variance: float,
) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(6, 4, 3, 3))
    norm = [rng.normal(size=6), rng.normal(size=6), rng.normal(size=6)]
    norm.append(rng.uniform(smallest_variance, smallest_variance + 1, size=6))
    norm[3][0] = smallest_variance
    windows = rng.normal(size=(50, 4, 3, 3))
    expected = batch_norm(np.einsum("pihw,oihw->po", windows, kernel), *norm)

    weight, bias = fold_batch_norm(kernel, *norm)

    assert weight.dtype == bias.dtype == np.float32
    got = np.einsum("pihw,oihw->po", windows, weight.astype(np.float64)) + bias
    scale = np.abs(norm[0]) / np.sqrt(norm[3] + EPSILON)
    np.testing.assert_allclose(got / scale, expected / scale, atol=2e-5)


def test_folding_half_precision_rounds_only_once() -> None:
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(2, 3, 1, 1)).astype(np.float16)
    norm = [rng.uniform(0.5, 2, 2).astype(np.float16) for _ in range(4)]
    weight, bias = fold_batch_norm(kernel, *norm)
    exact_weight, exact_bias = fold_batch_norm(
        kernel.astype(np.float64), *(tensor.astype(np.float64) for tensor in norm)
    )
    np.testing.assert_array_equal(weight, exact_weight)
    np.testing.assert_array_equal(bias, exact_bias)
