"""Files as people bring them, changed at random: by their structure, or as bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.client.coco.mutated_json import mutated as mutated_json
from tests.fuzz import mutate, pictures, yamls

Draw = Callable[..., Any]
"""Hypothesis' own: of a strategy, one of its values."""

PATHS = ("", ".", "/", "nowhere", "nowhere/else", "/dev/null", "a\nb", "é", "\udcff", "-", "~", "*")
"""Given in place of a file or a folder."""


def changed(path: Path, draw: Draw) -> bytes:
    """The file's content after some changes of the kind that its suffix suggests.

    No strategy, as Hypothesis would keep each content.
    """
    content = path.read_bytes()
    lot = random.Random(draw(st.integers(0, 2**32)))
    if path.suffix == ".json" and draw(st.integers(0, 4)):
        return json.dumps(draw(mutated_json(json.loads(content)))).encode()
    if path.suffix == ".jsonl" and draw(st.integers(0, 4)):
        lines = [json.loads(line) for line in content.splitlines()]
        which = draw(st.integers(0, len(lines) - 1))
        lines[which] = draw(mutated_json(lines[which]))
        return "".join(json.dumps(line) + "\n" for line in lines).encode()
    if path.suffix == ".yaml":
        return yamls.changed(content, lot)
    if path.suffix in (".jpg", ".png"):
        return pictures.changed(content, lot)
    return mutate.mutated(content, [content], lot)


def with_changes(files: Mapping[str, Path], folder: Path, draw: Draw) -> dict[str, str]:
    """The files' paths by their options, with one or two changed, or another path in its place.

    Args:
        files: the valid ones, by the options that name them.
        folder: for the changed ones.
    """
    given = {option: str(path) for option, path in files.items()}
    options = sorted(files)
    for option in draw(st.lists(st.sampled_from(options), min_size=1, max_size=2, unique=True)):
        if not draw(st.integers(0, 9)):
            given[option] = draw(st.sampled_from(PATHS))
            continue
        path = folder / files[option].name
        path.write_bytes(changed(files[option], draw))
        given[option] = str(path)
    return given


Content = dict[str, Any]


def _other_order(content: Content, draw: Draw) -> Content:
    """Of the keys of every object."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in draw(st.permutations(sorted(value)))}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    return {key: shuffled(value) for key, value in reversed(content.items())}


def _other_pictures_first(content: Content, draw: Draw) -> Content:
    return {**content, "images": draw(st.permutations(content["images"]))}


def _other_categories_first(content: Content, draw: Draw) -> Content:
    return {**content, "categories": draw(st.permutations(content["categories"]))}


def _unknown_keys(content: Content, draw: Draw) -> Content:
    values = st.none() | st.integers() | st.text(st.characters(codec="utf-8")) | st.lists(st.none())

    def more(entry: Content) -> Content:
        return {**draw(st.dictionaries(st.sampled_from(["note", "attributes"]), values)), **entry}

    sections = ("images", "categories", "annotations")
    return more({**content, **{name: list(map(more, content[name])) for name in sections}})


def _other_ids(content: Content, draw: Draw) -> Content:
    """Of the annotations; pycocotools, which figures are held against, takes 0 for no match."""
    start = draw(st.integers(1, 10**6))
    found = [{**each, "id": start + n} for n, each in enumerate(content["annotations"])]
    return {**content, "annotations": found}


HARMLESS: tuple[Callable[[Content, Draw], Content], ...] = (
    *(_other_order, _other_pictures_first, _other_categories_first, _unknown_keys, _other_ids),
)
"""Changes to annotations that must not change a figure."""


@st.composite
def written_otherwise(draw: st.DrawFn, content: Content) -> str:
    """The same data set in another file: harmless changes, spaces, escapes."""
    for change in draw(st.lists(st.sampled_from(HARMLESS), max_size=3, unique=True)):
        content = change(content, draw)
    ascii_only, indent = draw(st.booleans()), draw(st.sampled_from([None, 0, 3, "\t"]))
    text = json.dumps(content, ensure_ascii=ascii_only, indent=indent)
    if draw(st.booleans()):  # each letter of a name may be an escape
        text = text.replace('"circle"', '"\\u0063ircl\\u0065"')
    return draw(st.sampled_from(["", "\n", " \t\r\n"])) + text + draw(st.sampled_from(["", "\n"]))
