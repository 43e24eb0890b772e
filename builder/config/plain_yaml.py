"""YAML of plain values, from files that may hold anything."""

from __future__ import annotations

import yaml


class MoreThanPlainValues(ValueError):
    """It has tags or merge keys."""


class _PlainLoader(yaml.SafeLoader):
    """Reads plain values, and no merge keys: ten that merge each other are 10**10 settings."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.constructor.ConstructorError(
                problem="merge keys (<<) are not read", problem_mark=node.start_mark
            )
        super().flatten_mapping(node)


def parse_yaml(content: bytes) -> object:
    """The value of a YAML text.

    Raises:
        MoreThanPlainValues: it holds something else.
        ValueError: it is not YAML, or not such as is ever meant: the message is a sentence.
    """
    try:
        return yaml.load(content.decode(), Loader=_PlainLoader)
    except UnicodeDecodeError as error:
        raise ValueError("is not text in UTF-8") from error
    except yaml.constructor.ConstructorError as error:
        raise MoreThanPlainValues(
            f"holds more than plain YAML values, which are all that is read here: {error}"
        ) from error
    except RecursionError as error:
        raise ValueError("is not YAML: its brackets are nested too deeply") from error
    except Exception as error:  # malformed tags and numbers leave PyYAML as many other exceptions
        raise ValueError(f"is not YAML: {error!s:.500}") from error
