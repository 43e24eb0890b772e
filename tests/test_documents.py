"""The documents say what is there, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from artifact.names import ModelNames
from builder.network import load_config, network_spec
from builder.repository import models
from builder.repository.categories import COCO_CATEGORIES
from builder.repository.models import Pipeline
from builder.repository.pbtxt import DataType, Tensor
from server.launch import TritonServer
from tests.changed_config import with_keypoints

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")]
FPN = ROOT / "demo/mask_rcnn_R_50_FPN_shapes.yaml"


def rows(page: str, header: str) -> list[list[str]]:
    """The cells of the table with that header in a page of docs/."""
    text = (ROOT / "docs" / page).read_text()
    table = re.search(rf"^\| {header} \|.*\n\|[ -|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table[1].splitlines()]


def in_words(tensor: Tensor) -> str:
    """As the page has it, such as FP32 [N, 100, 4]."""
    kind = "BYTES" if tensor.data_type is DataType.STRING else tensor.data_type.name
    return f"{kind} [{', '.join(map(str, ('N', *tensor.dims)))}]"


def test_the_ensembles_tensors_are_those_of_the_page() -> None:
    config = with_keypoints(load_config(FPN), points=17, sigmas=())
    spec = network_spec(config)
    ensemble = models.ensemble(
        Pipeline(
            config,
            spec.inputs,
            spec.outputs,
            COCO_CATEGORIES,
            ModelNames(),
            max_batch=8,
            opt_batch=8,
            instances=1,
        )
    )
    tensors = [*ensemble.input, *ensemble.output]
    told = [
        (row[0].partition("`")[2].partition("`")[0], row[1]) for row in rows("tensors.md", "tensor")
    ]
    assert told == [(tensor.name, in_words(tensor)) for tensor in tensors]


def test_the_client_of_the_page_gets_boxes(
    demo_server: TritonServer, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs/tensors.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    picture = ROOT / "demo/val/images/000007.jpg"
    for told, here in (("127.0.0.1:8001", demo_server.grpc_url), ("photo.jpg", str(picture))):
        assert told in code
        code = code.replace(told, here)
    exec(code, {})
    boxes = re.findall(r"\[+([\d. \n]+)\]", capsys.readouterr().out)
    assert len(boxes) > 3
    assert all(len(box.split()) == 4 for box in boxes)


def test_the_folders_are_those_of_the_page() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    others = {"deploy", "docker", "docs", "model_repository", "monitoring", "tests"}
    assert {row[0].strip("`/") for row in rows("folders.md", "folder")} == packages | others | {
        "demo"
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_in_a_document_is_there(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not (document.parent / link).exists()]
    named = re.findall(r"`((?:[a-z_]+/)+[\w.-]*\.(?:py|md|yaml|json|txt|pbtxt|cfg))`", text)
    network = ROOT / "model_repository/mask_rcnn_network"
    known = [ROOT, document.parent, ROOT / "builder/network", network]
    missing += [name for name in named if not any((base / name).exists() for base in known)]
    assert missing == []


def anchors(document: Path) -> set[str]:
    """The anchors of its headings, as a forge makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_anchor_that_a_document_links_to_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text())
    missing = [
        f"{path}#{anchor}"
        for path, anchor in links
        if anchor not in anchors(document.parent / path if path else document)
    ]
    assert missing == []
