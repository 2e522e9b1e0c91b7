"""What a program will fill in or a browser will read, and what a translation must keep: %(name)s, {0}, <b>."""

import re
from collections import Counter

PLACEHOLDER = re.compile(
    r"""%\(\w+\)[-#0+\ ]*\d*(?:\.\d+)?[a-zA-Z]                       # %(name)s
      | %(?:\d+\$)?[-#0+]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa](?![a-z])   # %s, %1$s, %.2f, but not 100%sure
      | \$?\{[^{}\s]*\}                                              # {}, {name}, ${name}
      | (?P<tag></?)[A-Za-z]                                         # <b>, </a>; names such as <file> get translated
    """,
    re.VERBOSE,
)


def find_placeholders(text: str) -> Counter[str]:
    """Count the placeholders of a text; of a tag its beginning."""
    return Counter(match["tag"] or match[0] for match in PLACEHOLDER.finditer(text))
