"""Words and formats of the Unicode CLDR (Babel), and number words (num2words), in plain text.

Spaces that must not break (U+00A0, U+202F) become plain ones, as a reader of the corpus types them.
"""

from datetime import date, time, timedelta
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_location
from babel.numbers import format_currency, format_percent, get_currency_name
from babel.units import format_unit
from num2words import num2words

from seq2seq.phrasebook.messages import Clock, Day, Measure, Money, Price

_DAYS = {"duration-day": 1, "duration-week": 7, "duration-month": 30, "duration-year": 365}


def _plain(text: str) -> str:
    return " ".join(text.split())


@cache
def city(language: str, zone: str) -> str:
    """Name of the city of a time zone."""
    return _plain(get_timezone_location(zone, locale=language, return_city=True))


@cache
def country(language: str, code: str) -> str:
    """Name of a territory, without article."""
    return _plain(Locale.parse(language).territories[code])


@cache
def tongue(language: str, code: str) -> str:
    """Name of a language."""
    return _plain(Locale.parse(language).languages[code])


@cache
def pattern(language: str, day: date, letters: str) -> str:
    """Parts of a date in a pattern of the CLDR, such as ``EEEE`` for the weekday."""
    return _plain(format_date(day, letters, locale=language))


@cache
def skeleton(language: str, day: date, letters: str) -> str:
    """Parts of a date in the language's own order, such as ``MMMMd`` for March 3."""
    return _plain(format_skeleton(letters, day, locale=language))


@cache
def long_date(language: str, day: date) -> str:
    """Day, month in letters, and year."""
    return _plain(format_date(day, "long", locale=language))


@cache
def digital(language: str, clock: Clock) -> str:
    """A time of day in digits, on the language's clock of 12 or 24 hours."""
    return _plain(format_time(time(clock.hour, clock.minute), "short", locale=language))


@cache
def measure(language: str, quantity: Measure) -> str:
    """A number with its unit in letters; without what is measured."""
    for length in ("long", "short"):
        text = _plain(format_unit(quantity.value, quantity.unit, length, locale=language))
        if quantity.unit not in text:  # where a locale lacks a length, Babel answers with the unit's code
            return text
    raise LookupError(f"Babel has no {quantity.unit} in {language}")


@cache
def distance_in_time(language: str, day: Day) -> str:
    """A time that is some days, weeks, months or years ahead, or ago: `in 3 weeks`."""
    assert day.span is not None, "days of this kind have a span"
    length = timedelta(days=_DAYS[day.span.unit] * day.span.value)
    return _plain(format_timedelta(-length if day.kind == "ago" else length, add_direction=True, locale=language))


@cache
def price(language: str, amount: Price) -> str:
    """An amount with the sign of its currency."""
    return _plain(format_currency(Decimal(amount.cents) / 100, amount.currency, locale=language))


@cache
def money(language: str, amount: Money) -> str:
    """A whole amount with the name of its currency in the plural; of nothing, the name alone."""
    if not amount.value:
        return _plain(get_currency_name(amount.currency, 2, locale=language))
    text = format_currency(
        amount.value, amount.currency, "#,##0", locale=language, currency_digits=False, format_type="name"
    )
    return _plain(text)


@cache
def percent(language: str, tenths: int) -> str:
    """A percentage with one digit after the decimal mark."""
    return _plain(format_percent(tenths / 1000, locale=language, decimal_quantization=False))


@cache
def number_word(language: str, number: int) -> str:
    """A number in letters."""
    return str(num2words(number, lang=language))


@cache
def ordinal_word(language: str, number: int) -> str:
    """An ordinal number in letters."""
    return str(num2words(number, lang=language, to="ordinal"))
