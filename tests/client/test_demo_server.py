"""The client against the demo's own ensemble: what the stand-in cannot show."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from client.connection.detector import connect
from client.predict import predict
from server.launch import TritonServer


def test_a_picture_on_its_side_is_predicted_and_drawn_upright(
    demo_server: TritonServer, demo: Any, tmp_path: Path
) -> None:
    upright, on_its_side = tmp_path / "upright.png", tmp_path / "on_its_side.png"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise by a quarter
    with Image.open(demo.images / "000005.jpg") as picture:
        picture.save(upright)
        picture.transpose(Image.Transpose.ROTATE_90).save(on_its_side, exif=exif)

    predictions = predict(
        [upright, on_its_side], url=demo_server.grpc_url, output=tmp_path / "drawn"
    )

    one, other = predictions.entries
    assert (other["width"], other["height"]) == (one["width"], one["height"]) == (426, 240)
    assert len(one["detections"]) > 3
    assert [d["mask"] for d in other["detections"]] == [d["mask"] for d in one["detections"]]
    drawn = [np.asarray(Image.open(tmp_path / "drawn" / entry["drawn"])) for entry in (one, other)]
    assert np.array_equal(*drawn)


def test_the_ensemble_is_known_by_all_of_its_models_over_either_protocol(
    demo_server: TritonServer,
) -> None:
    async def ask(protocol: str, url: str) -> Any:
        async with connect(protocol, url) as detector:
            return detector.model

    model = asyncio.run(ask("grpc", demo_server.grpc_url))
    over_http = asyncio.run(ask("http", demo_server.http_url))

    assert model.identity == over_http.identity
    assert model.identity["mask_rcnn_preprocess"]["parameters"]["resize"] == "pillow"
    assert model.identity["mask_rcnn_network"]["outputs"]
    assert model.categories == over_http.categories
    assert (model.categories[34], model.has_masks) == ("crescent", True)
