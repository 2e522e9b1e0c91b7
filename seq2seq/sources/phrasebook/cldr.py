"""Words and formats of the Unicode CLDR (Babel), and number words (num2words), in plain text.

Spaces that must not break (U+00A0, U+202F) become plain ones, as a reader of the corpus types them.
"""

from datetime import time, timedelta
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta, get_timezone_location
from babel.numbers import format_currency, format_percent, get_currency_name
from babel.units import format_unit
from num2words import num2words

from seq2seq.sources.phrasebook.messages import Clock, Day, Measure, Money, Number, Price

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
def weekday(language: str, day: Day) -> str:
    """Name of a weekday."""
    return _plain(format_date(day.date, "EEEE", locale=language))


@cache
def say_day(language: str, day: Day, pattern: str) -> str:
    """Put the parts of a day into a pattern such as ``on {weekday}, {date}``.

    The parts are weekday, date (day and month), full_date (with the year), month (with the year), year,
    distance (``in 3 weeks``) and span (``3 weeks``), each in the language's own order.
    """
    return pattern.format(
        weekday=weekday(language, day),
        date=_plain(format_skeleton("MMMMd", day.date, locale=language)),
        full_date=_plain(format_date(day.date, "long", locale=language)),
        month=_plain(format_skeleton("yMMMM", day.date, locale=language)),
        year=day.date.year,
        distance=_distance(language, day.span, day.kind == "ago") if day.span else "",
        span=measure(language, day.span) if day.span else "",
    )


def _distance(language: str, span: Measure, past: bool) -> str:
    length = timedelta(days=_DAYS[span.unit] * span.value)
    return _plain(format_timedelta(-length if past else length, add_direction=True, locale=language))


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
def figure(language: str, filler: Price | Money | Measure | Number) -> str:
    """An amount, a measure without what is measured, a percentage, or a plain number."""
    match filler:
        case Price(currency, cents):
            return _plain(format_currency(Decimal(cents) / 100, currency, locale=language))
        case Money():
            return _money(language, filler)
        case Measure():
            return measure(language, filler)
        case Number("percent", tenths):
            return _plain(format_percent(tenths / 1000, locale=language, decimal_quantization=False))
    return str(filler.value)


def _money(language: str, money: Money) -> str:
    if not money.value:
        return _plain(get_currency_name(money.currency, 2, locale=language))
    options = {"format": "#,##0", "currency_digits": False, "format_type": "name"}
    return _plain(format_currency(money.value, money.currency, locale=language, **options))


@cache
def number_word(language: str, number: int) -> str:
    """A number in letters."""
    return str(num2words(number, lang=language))


@cache
def ordinal_word(language: str, number: int) -> str:
    """An ordinal number in letters."""
    return str(num2words(number, lang=language, to="ordinal"))
