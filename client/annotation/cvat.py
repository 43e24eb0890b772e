"""CVAT's auto-annotation function: masks or boxes of a served model, for `cvat-cli`.

    cvat-cli task auto-annotate 17 --function-module mask_rcnn_client.annotation.cvat \\
        -p url=str:127.0.0.1:8001

It runs in the environment of `cvat-cli`.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import Image

from artifact.names import DEFAULT_NAME
from client import rle
from client.detector import Detector
from client.errors import ClientError
from client.result import Result

try:
    import cvat_sdk.auto_annotation as auto_annotation
    import urllib3.exceptions
    from cvat_sdk.masks import encode_mask
    from cvat_sdk.models import LabeledShapeRequest
except ImportError as error:
    raise ImportError("the CVAT SDK is not installed: pip install cvat-cli") from error

SCORE_THRESHOLD = 0.5
"""Without `--conf-threshold`."""


class DetectionFailed(urllib3.exceptions.HTTPError):
    """The model's server does not answer as it should.

    `cvat-cli` prints the message of such an error; others it lets end in a traceback.
    """


class ServedFunction:
    """A detection function, as `cvat_sdk.auto_annotation.DetectionFunction` describes it.

    Args:
        detector: a served model.
        boxes: give rectangles though there are masks.
    """

    def __init__(self, detector: Detector, *, boxes: bool) -> None:
        self._detector = detector
        self._masks = detector.model.has_masks and not boxes
        kind = "mask" if self._masks else "rectangle"
        self.spec = auto_annotation.DetectionFunctionSpec(
            labels=[
                auto_annotation.label_spec(name, number, type=kind)
                for number, name in detector.model.categories.items()
            ]
        )

    def detect(
        self, context: auto_annotation.DetectionFunctionContext, image: Image.Image
    ) -> list[LabeledShapeRequest]:
        """The shapes in a picture.

        Args:
            context: its `conf_threshold` is the lowest score, `SCORE_THRESHOLD` where it is None.
            image: of the task.

        Raises:
            DetectionFailed: no answer, or one that does not fit; polygons are asked for.
        """
        if self._masks and context.conv_mask_to_poly:
            raise DetectionFailed(
                "the model gives masks, of which nothing here makes polygons: leave out "
                "--conv-mask-to-poly, or take boxes with -p boxes=bool:true"
            )
        threshold = context.conf_threshold
        try:
            found = self._detector(
                image, score_threshold=SCORE_THRESHOLD if threshold is None else threshold
            )
            return [*self._shapes(found)]
        except (ClientError, ValueError) as error:
            raise DetectionFailed(f"{context.frame_name}: {error}") from error

    def _shapes(self, found: Result) -> Iterator[LabeledShapeRequest]:
        for each in found.detections:
            if not self._masks:
                points = each.box.tolist()
                yield auto_annotation.rectangle(each.category_id, points, score=each.score)
            elif each.mask is not None:
                mask = rle.decode(each.mask.encode(), found.height, found.width)
                if mask.any():
                    points = encode_mask(mask)
                    yield auto_annotation.mask(each.category_id, points, score=each.score)


def create(
    url: str | None = None,
    model: str = DEFAULT_NAME,
    protocol: str = "grpc",
    boxes: bool = False,
) -> ServedFunction:
    """The function of `--function-module`; each argument is one of `-p NAME=TYPE:VALUE`.

    Args:
        url: `HOST:PORT` of the server; None for Triton's own port on this machine.
        model: the name of the served model.
        protocol: `grpc` or `http`.
        boxes: give rectangles though there are masks.

    Raises:
        DetectionFailed: no server is there, or not the model.
    """
    try:
        return ServedFunction(Detector(url, model=model, protocol=protocol), boxes=boxes)
    except ClientError as error:
        raise DetectionFailed(str(error)) from error
