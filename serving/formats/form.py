"""What every format is."""

from collections.abc import Sequence
from typing import Protocol

TEXT, HTML = "text", "html"


class Form(Protocol):
    """A file: the texts in it that want a translation, and the file with them."""

    texts: list[str]
    markup: str  # of the texts: TEXT or HTML

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The file's new content.

        Args:
            outputs: of each text.
            faults: what looks wrong with each output; a format may have a mark for that.
        """
        ...
