"""The client against the demo's own ensemble: what the stand-in cannot show."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from client.connection.detector import connect
from client.connection.served_model import ServedModel
from client.connection.settings import Connection
from client.errors import ClientError
from client.predict import predict
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to


def test_a_picture_on_its_side_is_predicted_and_drawn_upright(
    demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    upright, on_its_side = tmp_path / "upright.png", tmp_path / "on_its_side.png"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise by a quarter
    with Image.open(demo.images / "000005.jpg") as picture:
        picture.save(upright)
        picture.transpose(Image.Transpose.ROTATE_90).save(on_its_side, exif=exif)

    predictions = predict(
        [upright, on_its_side], connection_to(demo_server), output=tmp_path / "drawn"
    )

    one, other = predictions.entries
    assert (other["width"], other["height"]) == (one["width"], one["height"]) == (426, 240)
    assert len(one["detections"]) > 3
    assert [d["mask"] for d in other["detections"]] == [d["mask"] for d in one["detections"]]
    drawn = [np.asarray(Image.open(tmp_path / "drawn" / entry["drawn"])) for entry in (one, other)]
    assert np.array_equal(drawn[0], drawn[1])


async def served_model(connection: Connection) -> ServedModel:
    async with connect(connection) as detector:
        return detector.model


def test_the_models_that_an_ensemble_is_made_of_are_not_offered_in_its_place(
    demo_server: TritonServer,
) -> None:
    with pytest.raises(ClientError, match=r"(?s)model birds: .*\nIt serves mask_rcnn: name one "):
        asyncio.run(served_model(connection_to(demo_server, model="birds")))
    with pytest.raises(ClientError, match=r"the model mask_rcnn_preprocess at .* is another one: "):
        asyncio.run(served_model(connection_to(demo_server, model="mask_rcnn_preprocess")))


def test_the_ensemble_is_known_by_all_of_its_models_over_either_protocol(
    demo_server: TritonServer,
) -> None:
    model, over_http = (
        asyncio.run(served_model(connection_to(demo_server, protocol)))
        for protocol in ("grpc", "http")
    )

    assert model.identity == over_http.identity
    assert model.identity["mask_rcnn_preprocess"]["parameters"]["resize"] == "pillow"
    assert model.identity["mask_rcnn_network"]["outputs"]
    assert model.categories == over_http.categories
    assert (model.categories[34], model.has_masks) == ("crescent", True)
