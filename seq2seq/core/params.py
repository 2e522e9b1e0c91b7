"""Typed parameters: sections of params.yaml, presets laid over it, and one clear line for each mistake."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from seq2seq.core.errors import UserError

PARAMS = Path("params.yaml")


class Section(BaseModel):
    """One section of params.yaml. Subclasses stand beside the code that they configure; none has defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse ``lr: true``, which Python would read as 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError("write a number")
        return value


S = TypeVar("S", bound=Section)


class _Loader(yaml.SafeLoader):
    """Reads YAML 1.2 as DVC does: ``1e-3`` and ``010`` are numbers, ``no`` and ``12:30`` are words.

    PyYAML alone reads YAML 1.1: a string, eight, false, and 750.
    """


class _Dumper(yaml.SafeDumper):
    """Quotes the strings that ``_Loader`` would read as something else, and no others."""


# as in ruamel.yaml, which DVC reads with: how a plain scalar of each type is written, and its first characters
_SCALARS = {
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "tag:yaml.org,2002:int": (r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]+)", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?[0-9][0-9_]*(\.[0-9_]*([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)|[-+]?\.[0-9_]+([eE][-+][0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
}
for _reader_or_writer in (_Loader, _Dumper):
    _reader_or_writer.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag not in _SCALARS]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for _tag, (_pattern, _first) in _SCALARS.items():
        _reader_or_writer.add_implicit_resolver(_tag, re.compile(f"^({_pattern})$"), list(_first))


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    digits = str(loader.construct_scalar(node)).replace("_", "")
    return int(digits, 0 if digits.lstrip("-+")[1:2].isalpha() else 10)


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_yaml(text: str) -> Any:
    """Read YAML as DVC reads it."""
    return yaml.load(text, Loader=_Loader)


def dump_yaml(tree: Mapping[str, Any]) -> str:
    """Write a tree as YAML that :func:`parse_yaml` and DVC read as the same tree."""
    return yaml.dump(dict(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML file.

    Raises:
        UserError: the file is missing, is not YAML, or holds no mapping.
    """
    try:
        tree = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; run this from the repository's root folder") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError comes from 2024-02-30, and from what isn't UTF-8
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold a mapping of sections, not {type(tree).__name__}")
    return tree


def load_section(path: Path, name: str, section: type[S]) -> S:
    """Read and check one section of a params file.

    Raises:
        UserError: the section is missing, or a key or value in it is wrong.
    """
    tree = read_yaml(path)
    if name not in tree:
        raise UserError(f"{path}: section '{name}' is missing; copy it back from the repository's params.yaml")
    return check_section(tree[name], name, section, where=str(path))


def check_section(tree: Any, name: str, section: type[S], where: str) -> S:
    """Check one section that was already read; ``where`` names its file in the error."""
    try:
        return section.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{where}: {_explain(error, name, section)}") from None


def _explain(error: ValidationError, name: str, section: type[Section]) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join([name, *map(str, problem["loc"])])
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown key '{key}'{_suggest(str(problem['loc'][-1]), section.model_fields)}")
        elif problem["type"] == "missing":
            lines.append(f"'{key}' is missing; set it")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            whole = problem["type"] == "value_error" and isinstance(problem["input"], Mapping)  # not one value of it
            given = "" if whole else f" is {problem['input']!r}"
            lines.append(f"'{key}'{given}: {message[0].lower()}{message[1:]}")
    return "; ".join(lines)


def _suggest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known keys: {', '.join(sorted(known))}"


def overlay(base: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Lay a preset over a params tree: mappings merge key by key, everything else is replaced.

    Raises:
        UserError: ``changes`` names a key that ``base`` lacks.
    """
    merged = dict(base)
    for key, value in changes.items():
        if key not in base:
            raise UserError(f"{where}: unknown key '{key}'{_suggest(str(key), map(str, base))}")
        if isinstance(base[key], Mapping):
            if not isinstance(value, Mapping):
                raise UserError(f"{where}: '{key}' is a section with keys {', '.join(base[key])}, not {value!r}")
            value = overlay(base[key], value, f"{where}: {key}")
        merged[key] = value
    return merged


def parse_assignment(text: str) -> dict[str, Any]:
    """Read ``section.key=value`` as the overlay ``{section: {key: value}}``; the value is YAML.

    Raises:
        UserError: there is no ``=`` or no key in it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip("."):
        raise UserError(f"--set {text}: write it as SECTION.KEY=VALUE, such as --set train.lr=3e-4")
    try:
        leaf = parse_yaml(value)
    except (yaml.YAMLError, ValueError):
        raise UserError(f"--set {text}: '{value}' is not a YAML value; quote it") from None
    *sections, last = key.split(".")
    tree: dict[str, Any] = {last: leaf}
    for section in reversed(sections):
        tree = {section: tree}
    return tree
