"""YAML files that users write for the planner, read with pydantic and told apart by line and key.

A misspelt quota that is silently ignored would make a plan that nobody can hold, so an unknown key
is refused, with the line it stands in and the key that was probably meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from otel_voiceload.errors import ConfigError

File = TypeVar("File", bound=BaseModel)


class Written(BaseModel):
    """What every such file has in common: no other keys, no infinities, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_all_defaults(cls, value: object) -> object:
        """A section of which every line is a comment reads as null."""
        return {} if value is None else value


def read_written(path: Path, kind: type[File]) -> File:
    """The file at ``path`` as a ``kind``; an empty one has all defaults.

    Raises:
        ConfigError: no such file, no YAML, or a key or value that can not be; with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise ConfigError(f"can not read {path}: {reason}; name a YAML file") from None
    try:
        content = yaml.safe_load(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "the file"
        why = getattr(error, "problem", None) or "can not be read"
        raise ConfigError(f"{path} is not YAML: {why} in {where}; correct it") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} should hold `key: value` lines; it holds something else")
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigError(_told(path, error, tree, kind)) from None


def _told(path: Path, error: ValidationError, tree: yaml.Node | None, kind: type[BaseModel]) -> str:
    """The first fault: one is mended at a time, and often it is the cause of the others."""
    first = error.errors()[0]
    loc = first["loc"]
    where = f"{path}, line {_line(tree, loc)}"
    name = ".".join(str(part) for part in loc)
    if first["type"] != "extra_forbidden":
        return f"{where}: {name}: {first['msg'].removeprefix('Value error, ')}"
    known = _keys(kind, loc[:-1])
    near = get_close_matches(str(loc[-1]), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known here are {', '.join(known)}"
    return f"{where}: nothing is called {name!r}; {hint}"


def _keys(kind: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The keys that may stand at a place of the file."""
    at: type[BaseModel] = kind
    for part in loc:
        inner = at.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        at = inner
    return list(at.model_fields)


def _line(tree: yaml.Node | None, loc: Sequence[int | str]) -> int:
    """The line of a key, or of the nearest thing around it that is written there."""
    line = 1
    for part in loc:
        if not isinstance(tree, yaml.MappingNode):
            break
        pairs = [(key, value) for key, value in tree.value if key.value == part]
        if not pairs:
            break
        key, tree = pairs[0]
        line = key.start_mark.line + 1
    return line
