"""What the Unicode CLDR knows of a language code: the code that it goes by, the script it is written in, its name."""

from functools import cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

# scripts in which no spaces stand between words
UNSPACED = {"Hans", "Hant", "Hani", "Jpan", "Kana", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"}
UNSPACED |= {"Tale", "Talu", "Lana", "Tavt", "Yiii"}
LETTERS_OF_A_SCRIPT = 4  # in a subtag; a region has two, or three digits


def canonical_code(language: str) -> str:
    """The code that CLDR lists a language under: ``zh`` for zho, chi and cmn, ``ja`` for jpn; else the code itself."""
    return str(get_global("language_aliases").get(language, language))


def script_of(language: str) -> str:
    """ISO 15924 code of the script that a language is mostly written in today; Latn where CLDR doesn't know.

    A code may name the script, as zh-Hant does, or a region, as zh-TW.
    """
    code, *subtags = language.replace("-", "_").split("_")
    for subtag in subtags:
        if len(subtag) == LETTERS_OF_A_SCRIPT:
            return subtag.title()
    likely = get_global("likely_subtags")  # such as zh_Hans_CN for zh
    code = canonical_code(code)
    found = likely.get("_".join([code, *subtags])) or likely.get(code)
    return str(found.split("_")[1]) if found else "Latn"


def writes_spaces(language: str) -> bool:
    """Whether spaces stand between words, and so between sentences."""
    return script_of(language) not in UNSPACED


def unknown_subtag(language: str) -> str:
    """The part of a tag that the Unicode CLDR has no name for; empty where it knows all.

    Of codes with three letters it names a few hundred of some 8,000: those are taken as they are.
    """
    names = Locale("en")
    first, *rest = language.replace("-", "_").split("_")
    if len(first) == 2 and not {first, canonical_code(first)} & set(names.languages):
        return first
    known = {*names.scripts, *names.territories}
    return next((part for part in rest if part not in known), "")


def name_of(language: str) -> str:
    """The English name of a language, such as Chinese (Traditional); the code itself where CLDR has none."""
    code, *subtags = language.replace("-", "_").split("_")
    try:
        return str(Locale.parse("_".join([canonical_code(code), *subtags])).get_display_name("en") or language)
    except (UnknownLocaleError, ValueError):
        return str(Locale("en").languages.get(canonical_code(code), language))


@cache
def own_name_of(language: str) -> str:
    """A language's name in itself, such as français; empty where CLDR has none."""
    code = canonical_code(language.replace("_", "-").split("-")[0])
    try:
        return str(Locale(code).languages.get(code, ""))
    except (UnknownLocaleError, ValueError):
        return ""


def names_of(language: str) -> set[str]:
    """What people call a language, in lower case: by its English name with and without its variety, and its own."""
    first = language.replace("_", "-").split("-")[0]
    usual = {name for name, tag in _tags_of_names().items() if tag == language.replace("_", "-")}
    return {name_of(language).casefold(), name_of(first).casefold(), own_name_of(first).casefold(), *usual} - {""}


@cache
def _tags_of_names() -> dict[str, str]:
    return {str(name).casefold(): code.replace("_", "-") for code, name in Locale("en").languages.items()}


def tag_of_name(name: str) -> str:
    """The tag of a language by its English name, such as French or Brazilian Portuguese; empty where CLDR has none."""
    return _tags_of_names().get(name.casefold(), "")
