"""How the page and the card word what they share, and where their templates are."""

import math
from pathlib import Path

import jinja2

from seq2seq.text.languages import LanguagesParams
from seq2seq.text.scripts import name_of


def format_number(value: float | None, how: str) -> str:
    """A number with a true minus sign, or that it is undefined."""
    return "undefined" if value is None or math.isnan(value) else format(value, how).replace("-", "−")


def direction_in_words(languages: LanguagesParams) -> str:
    """Source and target by their English names; one, where they are the same."""
    codes = dict.fromkeys([languages.source, languages.target])
    return " → ".join(map(name_of, codes))


def templates(*, autoescape: bool) -> jinja2.Environment:
    """The templates of this folder, in which a name that isn't given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = format_number
    return environment
