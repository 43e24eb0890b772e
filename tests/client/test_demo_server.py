"""The client against the demo's own ensemble: what the stand-in cannot show."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from artifact.picture_formats import SUFFIXES
from client.coco.summary import Summary
from client.connection.model_connection import connect
from client.connection.served_model import ServedModel
from client.connection.settings import Connection
from client.errors import ClientError
from client.evaluate import evaluate
from client.predict import predict
from server.launch import TritonServer
from tests.client.conftest import Demo, connection_to
from tests.hostile_inputs.by_hand import png_chunk, with_png_chunks


def evaluate_some(
    demo: Demo,
    server: TritonServer,
    images: Path,
    file_names: Mapping[int, str],
    resume: bool = False,
) -> Summary:
    """Evaluates pictures of the demo by their ids, in the files that stand for them."""
    content = {
        **demo.content,
        "images": [
            {**image, "file_name": file_names[image["id"]]}
            for image in demo.content["images"]
            if image["id"] in file_names
        ],
        "annotations": [a for a in demo.content["annotations"] if a["image_id"] in file_names],
    }
    annotations = images / "instances.json"
    annotations.write_text(json.dumps(content))
    output = images / f"evaluation of {', '.join(file_names.values())}"
    return evaluate(
        images,
        annotations,
        connection_to(server),
        output=output,
        resume=resume,
        progress=False,
    )


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


def test_a_tiff_on_its_side_is_evaluated_as_the_same_picture_in_png(
    demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    with Image.open(demo.images / "000001.jpg") as picture:
        picture.save(tmp_path / "upright.png")
        picture.save(tmp_path / "of_another_size.tif", exif=exif)
        picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "on_its_side.tif", exif=exif)

    upright, on_its_side, of_another_size = (
        evaluate_some(demo, demo_server, tmp_path, {2: name})
        for name in ("upright.png", "on_its_side.tif", "of_another_size.tif")
    )

    assert upright.metrics == on_its_side.metrics
    assert on_its_side.metrics["bbox"].values["AP"] == pytest.approx(71.91, abs=0.005)
    [failure] = of_another_size.failures
    assert failure.reason == "the picture is 320x480, its annotations are for 480x320"


def test_half_a_png_is_one_failed_picture_and_the_others_are_counted(
    demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    with Image.open(demo.images / "000001.jpg") as picture:
        picture.save(tmp_path / "half.png")
    whole = (tmp_path / "half.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    shutil.copy(demo.images / "000000.jpg", tmp_path)

    summary = evaluate_some(demo, demo_server, tmp_path, {1: "000000.jpg", 2: "half.png"})

    again = evaluate_some(demo, demo_server, tmp_path, {1: "000000.jpg", 2: "half.png"}, True)
    assert again.resumed == 1
    assert [failure.file_name for failure in again.failures] == ["half.png"]
    [failure] = summary.failures
    assert failure.file_name == "half.png"
    assert "begins as a PNG of 480x320 pixels, but cannot be decoded" in failure.reason
    assert summary.detections > 0


@pytest.mark.parametrize(
    "chunk", [(b"eXIf", b"no such thing"), (b"tEXt", b"Raw profile type exif\0\nexif\n 4\nxyz")]
)
def test_a_picture_with_bad_metadata_is_predicted_as_it_is_without(
    demo_server: TritonServer, demo: Demo, tmp_path: Path, chunk: tuple[bytes, bytes]
) -> None:
    with Image.open(demo.images / "000001.jpg") as picture:
        picture.save(tmp_path / "good.png")
    content = with_png_chunks((tmp_path / "good.png").read_bytes(), png_chunk(*chunk))
    (tmp_path / "bad.png").write_bytes(content)

    predictions = predict(
        [tmp_path / "good.png", tmp_path / "bad.png"],
        connection_to(demo_server),
        output=tmp_path / "drawn",
        score_threshold=0,
    )

    good, bad = predictions.entries
    assert len(bad["detections"]) == 12
    assert bad["detections"] == good["detections"]


def test_pictures_of_every_format_are_found_in_a_folder_and_predicted(
    demo_server: TritonServer, demo: Demo, tmp_path: Path
) -> None:
    with Image.open(demo.images / "000001.jpg") as picture:
        for suffix in (suffix for each in SUFFIXES.values() for suffix in each):
            if suffix != ".pfm":  # grey alone
                picture.save(tmp_path / f"{suffix[1:]}{suffix}")
        picture.save(tmp_path / "without a suffix", "PNG")

    predictions = predict([tmp_path], connection_to(demo_server), output=tmp_path / "drawn")

    assert len(predictions.entries) == len(list(tmp_path.glob("*"))) - 1
    assert all(len(entry["detections"]) >= 5 for entry in predictions.entries)


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
