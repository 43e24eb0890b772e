"""What a served model found in one picture, and what other tools make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from client import rle
from client.coco.result_format import CocoResult, coco_results
from client.conversions.fiftyone import fiftyone_detections
from client.conversions.labelme import labelme_file
from client.conversions.supervision import supervision_detections
from client.detections import Detections, Skeleton
from client.errors import ClientError, PictureError, RequestFailed
from client.pictures.drawing import draw_detections
from client.pictures.encoded import EncodedPicture

if TYPE_CHECKING:
    import fiftyone
    import supervision


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What was found in one picture, the best score first.

    Everything is in pixels of the picture with its EXIF orientation applied, x to the right and y
    downwards from its upper left corner.
    """

    width: int
    """Of the picture, in pixels."""
    height: int
    """Of the picture, in pixels."""
    path: Path | None
    """Of the file, if the picture was given as a path."""
    detections: Detections
    categories: Mapping[int, str]
    """The name of each class id that the model can return."""
    skeletons: Mapping[int, Skeleton]
    """By class id, what the model's keypoints are."""
    _content: bytes | None
    """The encoded picture; None where it can be read again from `path`."""

    @classmethod
    def of(
        cls,
        picture: EncodedPicture,
        detections: Detections,
        categories: Mapping[int, str],
        skeletons: Mapping[int, Skeleton],
    ) -> Result:
        """The result for a picture. It keeps what `draw` needs: the path, or else the content."""
        content = picture.content if picture.path is None else None
        return cls(
            width=picture.width,
            height=picture.height,
            path=picture.path,
            detections=detections,
            categories=categories,
            skeletons=skeletons,
            _content=content,
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        found = ", ".join(
            f"{name} {score:.2f}" for name, score in zip(self.class_names, self.scores, strict=True)
        )
        return f"<Result {self.width}x{self.height}: {found or 'nothing'}>"

    @property
    def boxes(self) -> npt.NDArray[np.float32]:
        """float32 [n, 4], x1 y1 x2 y2."""
        return self.detections.boxes

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """float32 [n], 0 to 1."""
        return self.detections.scores

    @property
    def class_ids(self) -> npt.NDArray[np.int32]:
        """int32 [n], the data set's own ids: COCO's `person` is 1."""
        return self.detections.category_ids

    @property
    def class_names(self) -> tuple[str, ...]:
        """n names; of an id without one, the id."""
        return tuple(self.categories.get(each, str(each)) for each in self.class_ids.tolist())

    @property
    def rle(self) -> tuple[str, ...] | None:
        """n masks as COCO's compressed RLE, as they came; None from a model without masks."""
        return self.detections.masks

    @cached_property
    def masks(self) -> npt.NDArray[np.bool_] | None:
        """bool [n, h, w], decoded when it is first asked for; None from a model without masks.

        Raises:
            RequestFailed: a mask is not of the picture's size, or is damaged.
        """
        if self.rle is None:
            return None
        masks = np.zeros((len(self), self.height, self.width), np.bool_)
        with self._masks_are_its_own():
            for mask, counts in zip(masks, self.rle, strict=True):
                mask[:] = rle.decode(counts.encode(), self.height, self.width)
        return masks

    @property
    def keypoints(self) -> npt.NDArray[np.float32] | None:
        """float32 [n, K, 3], x y score; None from a model without keypoints."""
        return self.detections.keypoints

    def to_json(self) -> dict[str, Any]:
        """{width, height, detections: [{category_id, category, score, box [x1, y1, x2, y2],
        mask {size [h, w], counts}, keypoints [{name, x, y, score}]}]}, JSON values only."""
        entries = []
        for found in self.detections:
            entry: dict[str, Any] = {
                "category_id": found.category_id,
                "category": self.categories.get(found.category_id),
                "score": found.score,
                "box": found.box.tolist(),
            }
            if found.mask is not None:
                entry["mask"] = {"size": [self.height, self.width], "counts": found.mask}
            if found.keypoints is not None:
                skeleton = self.skeletons.get(found.category_id, Skeleton((), ()))
                entry["keypoints"] = [
                    {"name": name, "x": x, "y": y, "score": score}
                    for name, (x, y, score) in zip(
                        skeleton.names_of(len(found.keypoints)),
                        found.keypoints.tolist(),
                        strict=True,
                    )
                ]
            entries.append(entry)
        return {"width": self.width, "height": self.height, "detections": entries}

    def to_coco(self, image_id: int) -> list[CocoResult]:
        """Entries of a COCO result file, as detectron2 writes them.

        Args:
            image_id: of the picture in the annotations.

        Returns:
            [{image_id, category_id, bbox [x, y, w, h], score, segmentation {size [h, w], counts},
            keypoints [x, y, score, …]}], JSON values only. Boxes count from the corner of the first
            pixel, points from its centre.
        """
        return coco_results(image_id, self.detections, width=self.width, height=self.height)

    def to_supervision(self) -> supervision.Detections:
        """`supervision.Detections` with boxes, scores, ids, masks, and names as `class_name`.

        Raises:
            ClientError: supervision is not installed.
            RequestFailed: a mask is not of the picture's size, or is damaged.
        """
        return supervision_detections(
            self.boxes, self.scores, self.class_ids, self.class_names, self.masks
        )

    def to_fiftyone(self) -> fiftyone.Detections:
        """`fiftyone.Detections` with relative boxes, scores, names, and masks cut out to the boxes.

        Raises:
            ClientError: fiftyone is not installed.
            RequestFailed: a mask is not of the picture's size, or is damaged.
        """
        with self._masks_are_its_own():
            return fiftyone_detections(
                self.detections, self.class_names, width=self.width, height=self.height
            )

    def to_labelme(self, image_path: str | None = None) -> dict[str, Any]:
        """The content of a LabelMe file.

        Masks are `mask` shapes, which hold every pixel (labelme 5.2 and later); where there is no
        mask, the box is a `rectangle`. Keypoints are `point` shapes, in a group with it.

        Args:
            image_path: of the picture, from the folder of the LabelMe file; None for the name of
                the file that was given.

        Raises:
            ClientError: the picture was not given as a path, and `image_path` is None.
            RequestFailed: a mask is not of the picture's size, or is damaged.
        """
        if image_path is None:
            if self.path is None:
                raise ClientError(
                    "a LabelMe file names its picture, and this one came from no file: give "
                    "to_labelme() an image_path"
                )
            image_path = self.path.name
        with self._masks_are_its_own():
            return labelme_file(
                self.detections,
                self.class_names,
                self.skeletons,
                width=self.width,
                height=self.height,
                image_path=image_path,
            )

    def draw(self) -> Image.Image:
        """The picture in RGB with masks, boxes, keypoints, names and scores drawn into it.

        A picture that was given as a path is read again.

        Raises:
            PictureError: it cannot be read or decoded, or is not the one it was.
            RequestFailed: a mask is not of the picture's size, or is damaged.
        """
        if self._content is None:
            assert self.path is not None
            picture = EncodedPicture.of(self.path)
        else:
            picture = EncodedPicture.of(self._content)
        if (picture.width, picture.height) != (self.width, self.height):
            raise PictureError(
                f"{self.path} has changed: it is {picture.width}x{picture.height} now, and was "
                f"{self.width}x{self.height} when it was sent"
            )
        with self._masks_are_its_own():
            return draw_detections(
                picture.decode(), self.detections, self.categories, self.skeletons
            )

    @contextmanager
    def _masks_are_its_own(self) -> Iterator[None]:
        """Turns the refusal of a mask into a fault of the answer."""
        try:
            yield
        except ValueError as error:
            raise RequestFailed(
                f"the server's masks are not of its size {self.width}x{self.height}: {error}"
            ) from error
