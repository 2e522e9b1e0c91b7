"""Tables for people: rows of the same columns as lines of words."""

from typing import Any

Rows = list[dict[str, Any]]


def text_table(rows: Rows) -> str:
    """Rows of the same columns as lines of words."""
    if not rows:
        return ""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
