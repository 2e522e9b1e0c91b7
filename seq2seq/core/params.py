"""Typed parameters: sections of params.yaml, presets laid over it, and one clear line for each mistake."""

import difflib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

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


def parse_yaml(text: str) -> Any:
    """Read YAML 1.2 as DVC does: ``1e-3`` and ``010`` are numbers, ``no`` and ``12:30`` are words.

    Raises:
        YAMLError: it is not YAML, or a mapping has a key twice.
        ValueError: a value is not what it looks like, such as the date 2024-02-30.
    """
    return YAML(typ="safe").load(text)


def dump_yaml(tree: Mapping[str, Any]) -> str:
    """Write a tree as YAML that :func:`parse_yaml` and DVC read as the same tree."""
    writer = YAML(typ="safe")
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # it says None, and takes both
    writer.width = 1000
    text = io.StringIO()
    writer.dump(dict(tree), text)
    return text.getvalue()


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML file.

    Raises:
        UserError: the file is missing, is not YAML, or holds no mapping.
    """
    try:
        tree = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; run this from the repository's root folder") from None
    except (YAMLError, ValueError) as error:  # a ValueError comes also from what isn't UTF-8
        raise UserError(f"{path} is not valid YAML: {_what_and_where(error)}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path} must hold a mapping of sections, not {type(tree).__name__}")
    return tree


def _what_and_where(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


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
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known keys: {', '.join(names)}"


def overlay(base: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Lay a preset over a params tree: mappings merge key by key, everything else, and an empty mapping, is replaced.

    Raises:
        UserError: ``changes`` names a key that ``base`` lacks.
    """
    merged = dict(base)
    for key, value in changes.items():
        if key not in base:
            raise UserError(f"{where}: unknown key '{key}'{_suggest(str(key), map(str, base))}")
        if isinstance(base[key], Mapping):
            if not isinstance(value, Mapping):
                keys = f" with keys {', '.join(base[key])}" if base[key] else ""
                raise UserError(f"{where}: '{key}' is a section{keys}, not {value!r}")
            if base[key]:  # an empty one has keys of the user's own, such as the names of corpora
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
    except (YAMLError, ValueError):
        raise UserError(f"--set {text}: '{value}' is not a YAML value; quote it") from None
    *sections, last = key.split(".")
    tree: dict[str, Any] = {last: leaf}
    for section in reversed(sections):
        tree = {section: tree}
    return tree
