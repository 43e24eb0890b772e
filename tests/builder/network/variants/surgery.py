"""What turns a trained model's weights into those of a model with other settings.

Nobody trains a model for each setting, and a network of random weights finds nothing that is
worth comparing. Each surgery changes the tensors of a trained model so that they fit the setting
and still find the same objects, more or less: layers that are added pass on what they get, those
that are taken away leave their product behind. What is added is a little noisy, so that no layer
can be left out unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[np.float32]]
"""A model's tensors by detectron2's names."""

Surgery = Callable[[Weights], None]
"""Changes weights in place."""

NOISE = 0.02
"""Standard deviation of what is added to a layer that would pass on what it gets."""

DAMPING = 0.2
"""Of predictions, for each ReLU that is taken away before them."""

BOX_HEAD = "roi_heads.box_head"
BOX_PREDICTOR = "roi_heads.box_predictor"
MASK_HEAD = "roi_heads.mask_head"
KEYPOINT_HEAD = "roi_heads.keypoint_head"
RPN_HEAD = "proposal_generator.rpn_head"


def halved_fusion(weights: Weights) -> None:
    """For FUSE_TYPE avg: maps that are so much larger that their mean is the trained sum."""
    for level, (lateral, output) in {2: (2, 1), 3: (4, 2), 4: (8, 4), 5: (8, 8)}.items():
        weights[f"backbone.fpn_lateral{level}.weight"] *= lateral
        weights[f"backbone.fpn_lateral{level}.bias"] *= lateral
        weights[f"backbone.fpn_output{level}.weight"] /= output


def normalized(pattern: str) -> Surgery:
    """A BatchNorm, in place of the bias, behind the convolutions whose path matches `pattern`."""

    def operate(weights: Weights) -> None:
        rng = np.random.default_rng(1)
        paths = [
            name.removesuffix(".bias")
            for name in weights
            if re.fullmatch(pattern, name.removesuffix(".bias")) and name.endswith(".bias")
        ]
        for path in paths:
            bias = weights.pop(f"{path}.bias")
            weights[f"{path}.norm.weight"] = _uniform(rng, 0.9, 1.1, bias.shape)
            weights[f"{path}.norm.bias"] = bias
            weights[f"{path}.norm.running_mean"] = _uniform(rng, -0.05, 0.05, bias.shape)
            weights[f"{path}.norm.running_var"] = _uniform(rng, 0.9, 1.1, bias.shape)

    return operate


def box_head_convolutions(count: int) -> Surgery:
    """3×3 convolutions before fc1, of twice the channels: a ReLU would cut what is negative."""

    def operate(weights: Weights) -> None:
        rng = np.random.default_rng(2)
        first = weights[f"{BOX_HEAD}.fc1.weight"]
        channels = weights[f"{RPN_HEAD}.conv.bias"].size
        maps = first.reshape(len(first), channels, -1)
        weights[f"{BOX_HEAD}.fc1.weight"] = np.concatenate([maps, -maps], 1).reshape(len(first), -1)
        one = np.eye(channels, dtype=np.float32)
        for number in range(1, count + 1):
            matrix = np.eye(2 * channels) if number > 1 else np.concatenate([one, -one])
            kernel = NOISE / 3 * rng.standard_normal((*matrix.shape, 3, 3)) / np.sqrt(channels)
            kernel[:, :, 1, 1] += matrix
            weights[f"{BOX_HEAD}.conv{number}.weight"] = kernel.astype(np.float32)
            weights[f"{BOX_HEAD}.conv{number}.bias"] = _uniform(rng, 0, NOISE, (2 * channels,))

    return operate


def box_head_of_fcs(count: int) -> Surgery:
    """Fully connected layers: added as near identities, taken away as their product.

    What is taken away loses its ReLU: the model finds other things than the trained one did, and
    its predictions have to be damped, or all scores would be 1.
    """

    def operate(weights: Weights) -> None:
        rng = np.random.default_rng(3)
        for number in range(3, count + 1):
            width = weights[f"{BOX_HEAD}.fc2.bias"].size
            noise = NOISE * rng.standard_normal((width, width)) / np.sqrt(width)
            weights[f"{BOX_HEAD}.fc{number}.weight"] = (np.eye(width) + noise).astype(np.float32)
            weights[f"{BOX_HEAD}.fc{number}.bias"] = _uniform(rng, 0, NOISE, (width,))
        for number in range(2, count, -1):
            weight, bias = (weights.pop(f"{BOX_HEAD}.fc{number}.{k}") for k in ("weight", "bias"))
            for layer in ("cls_score", "bbox_pred"):
                path = f"{BOX_PREDICTOR}.{layer}"
                weights[f"{path}.bias"] += weights[f"{path}.weight"] @ bias
                weights[f"{path}.weight"] = weights[f"{path}.weight"] @ weight
                for kind in ("weight", "bias"):
                    weights[f"{path}.{kind}"] *= np.float32(DAMPING)

    return operate


def box_pooled_at(resolution: int) -> Surgery:
    """fc1 over the middle of its 7×7 cells, as strong as it was."""

    def operate(weights: Weights) -> None:
        first = weights[f"{BOX_HEAD}.fc1.weight"]
        margin = (7 - resolution) // 2
        cells = first.reshape(len(first), -1, 7, 7)[:, :, margin:, margin:]
        cells = cells[:, :, :resolution, :resolution] * (7 / resolution) ** 2
        weights[f"{BOX_HEAD}.fc1.weight"] = cells.reshape(len(first), -1)

    return operate


def one_box_for_all_classes(weights: Weights) -> None:
    """The mean of the classes' box deltas."""
    for kind in ("weight", "bias"):
        name = f"{BOX_PREDICTOR}.bbox_pred.{kind}"
        of_classes = weights[name].reshape(-1, 4, *weights[name].shape[1:])
        weights[name] = of_classes.mean(0)


def one_mask_for_all_classes(weights: Weights) -> None:
    """The mean of the classes' masks."""
    for kind in ("weight", "bias"):
        name = f"{MASK_HEAD}.predictor.{kind}"
        weights[name] = weights[name].mean(0, keepdims=True)


def of_class(number: int) -> Surgery:
    """A model for one class alone, and the background."""

    def operate(weights: Weights) -> None:
        for kind in ("weight", "bias"):
            for name, kept in {
                f"{BOX_PREDICTOR}.cls_score.{kind}": [number, -1],
                f"{BOX_PREDICTOR}.bbox_pred.{kind}": range(4 * number, 4 * number + 4),
                f"{MASK_HEAD}.predictor.{kind}": [number],
            }.items():
                weights[name] = weights[name][list(kept)]

    return operate


def mask_head_of(convolutions: int, channels: int) -> Surgery:
    """Fewer convolutions and channels: the first of each."""

    def operate(weights: Weights) -> None:
        for number in range(1, 5):
            path = f"{MASK_HEAD}.mask_fcn{number}"
            if number > convolutions:
                del weights[f"{path}.weight"], weights[f"{path}.bias"]
                continue
            inputs = slice(None) if number == 1 else slice(channels)
            weights[f"{path}.weight"] = weights[f"{path}.weight"][:channels, inputs]
            weights[f"{path}.bias"] = weights[f"{path}.bias"][:channels]
        inputs = slice(channels) if convolutions else slice(None)
        for name, part in {
            "deconv.weight": (inputs, slice(channels)),
            "deconv.bias": (slice(channels),),
            "predictor.weight": (slice(None), slice(channels)),
        }.items():
            weights[f"{MASK_HEAD}.{name}"] = weights[f"{MASK_HEAD}.{name}"][part]

    return operate


def keypoint_head(points: int, channels: Sequence[int], deviation: float) -> Surgery:
    """Convolutions of so many channels and heatmaps of points, all of them random.

    Args:
        deviation: of the heatmaps, for features that deviate by 1.
    """

    def operate(weights: Weights) -> None:
        rng = np.random.default_rng(4)
        inputs = weights[f"{RPN_HEAD}.conv.bias"].size
        for number, outputs in enumerate(channels, 1):
            kernel = rng.standard_normal((outputs, inputs, 3, 3)) * np.sqrt(2 / (9 * inputs))
            weights[f"{KEYPOINT_HEAD}.conv_fcn{number}.weight"] = kernel.astype(np.float32)
            weights[f"{KEYPOINT_HEAD}.conv_fcn{number}.bias"] = _uniform(rng, -0.1, 0.1, (outputs,))
            inputs = outputs
        kernel = rng.standard_normal((inputs, points, 4, 4)) * deviation / np.sqrt(inputs)
        weights[f"{KEYPOINT_HEAD}.score_lowres.weight"] = kernel.astype(np.float32)
        weights[f"{KEYPOINT_HEAD}.score_lowres.bias"] = _uniform(rng, -1, 1, (points,))

    return operate


def anchors(chosen: Sequence[int]) -> Surgery:
    """The RPN's predictions for the trained anchors of these numbers, each a little less likely."""

    def operate(weights: Weights) -> None:
        for layer, values in (("objectness_logits", 1), ("anchor_deltas", 4)):
            for kind in ("weight", "bias"):
                name = f"{RPN_HEAD}.{layer}.{kind}"
                by_anchor = weights[name].reshape(-1, values, *weights[name].shape[1:])
                weights[name] = by_anchor[list(chosen)].reshape(-1, *weights[name].shape[1:])
        weights[f"{RPN_HEAD}.objectness_logits.bias"] -= np.linspace(0, 0.3, len(chosen), dtype="f")

    return operate


def deeper(blocks: dict[str, int]) -> Surgery:
    """Stages of so many blocks: the last one again and again, its branch all but closed."""

    def operate(weights: Weights) -> None:
        for stage, count in blocks.items():
            paths = sorted({m[0] for n in weights if (m := re.match(rf".*{stage}\.\d+\.", n))})
            last = max(paths, key=lambda path: int(path.split(".")[-2]))
            parts = {name: v for name, v in weights.items() if name.startswith(last)}
            for number in range(len(paths), count):
                for name, value in parts.items():
                    copy = name.replace(last, last.replace(f".{len(paths) - 1}.", f".{number}."))
                    closed = re.search(r"conv3\.norm\.(weight|bias)$", name)
                    weights[copy] = value * np.float32(0.05 if closed else 1)

    return operate


def without(pattern: str) -> Surgery:
    """Leaves out the tensors whose names match `pattern`."""

    def operate(weights: Weights) -> None:
        for name in [name for name in weights if re.match(pattern, name)]:
            del weights[name]

    return operate


def of_rgb(weights: Weights) -> None:
    """A first convolution that gets red, green, blue."""
    [name] = [name for name in weights if name.endswith("stem.conv1.weight")]
    weights[name] = weights[name][:, ::-1]


def three_stages(weights: Weights) -> None:
    """The box head three times over, for a cascade; deltas as BBOX_REG_WEIGHTS multiply them."""
    one_box_for_all_classes(weights)
    for part in (BOX_HEAD, BOX_PREDICTOR):
        for name in [name for name in weights if name.startswith(part)]:
            value = weights.pop(name)
            for stage in range(3):
                factor = stage + 1 if ".bbox_pred." in name else 1
                weights[name.replace(part, f"{part}.{stage}")] = value * np.float32(factor)


def _uniform(
    rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    return rng.uniform(low, high, shape).astype(np.float32)
