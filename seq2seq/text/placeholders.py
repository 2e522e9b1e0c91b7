"""What a translation must keep.

What a program will fill in or a browser will read (%(name)s, {0}, <b>), addresses, and numbers.
"""

import re
from collections import Counter

# No text may take more than linear time, whoever sends it: possessive (*+), and begun only where a run begins (?<!...).
PLACEHOLDER = re.compile(
    r"""%\(\w++\)[-#0+\ ]*+\d*+(?:\.\d++)?+[a-zA-Z]                         # %(name)s
      | %(?:\d++\$)?+[-#0+]*+\d*+(?:\.\d++)?+[diouxXeEfFgGcrsa](?![a-z])   # %s, %1$s, %.2f, but not 100%sure
      | \$?\{[^{}\s]*+\}                                                   # {}, {name}, ${name}
      | (?P<tag></?)[A-Za-z]                            # <b>, </a>; names such as <file> get translated
    """,
    re.VERBOSE,
)
_ADDRESS = re.compile(r"(?:https?|ftp)://[^\s<>\"]++|www\.[^\s<>\"]++|(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++")
_NUMBER = re.compile(r"\d++(?:[.,:]\d++)*+")


def find_placeholders(text: str) -> Counter[str]:
    """Count the placeholders of a text; of a tag its beginning."""
    return Counter(match["tag"] or match[0] for match in PLACEHOLDER.finditer(text))


def find_addresses(text: str) -> Counter[str]:
    """Count the addresses of a text, of the Web and of e-mail, without the punctuation behind them."""
    return Counter(address.rstrip(".,;:!?)'’”»") for address in _ADDRESS.findall(text))


def find_numbers(text: str) -> Counter[str]:
    """Count the numbers of a text by their digits: 1,500 and 1.500 are the same number, written in two languages."""
    return Counter(re.sub("[.,]", "", number) for number in _NUMBER.findall(text))


def without_codes(text: str) -> str:
    """The text without its placeholders and addresses."""
    return PLACEHOLDER.sub(" ", _ADDRESS.sub(" ", text))
