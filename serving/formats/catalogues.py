"""Message catalogues of gettext (.po): the empty entries are filled."""

import re
from collections.abc import Sequence
from pathlib import Path

import polib

from seq2seq.core.errors import UserError
from seq2seq.inference.faults import find_faults
from seq2seq.text.scripts import writes_spaces
from serving.formats.form import TEXT

_PLURALS = re.compile(r"nplurals\s*=\s*(\d+)")
_ONE_KEY = {"_": re.compile(r"_(?=[^\W_])"), "&": re.compile(r"&(?=\w)(?!#?\w+;)")}
_BEFORE_A_WORD = {"_": re.compile(r"(?:^|\s)_[^\W_]"), "&": re.compile(r"(?:^|\s)&\w(?!#?\w+;)")}


class Catalogue:
    """Entries without a translation; what looks wrong afterwards is marked fuzzy, so that a person looks at it."""

    markup = TEXT

    def __init__(self, path: Path, language: str) -> None:
        """Find the empty entries.

        Raises:
            UserError: it is no catalogue.
        """
        try:
            self._catalogue = polib.pofile(str(path))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} can't be read as gettext's .po ({' '.join(str(error).split())})") from None
        self._language = language
        metadata = self._catalogue.metadata
        metadata["Language"] = metadata.get("Language") or language.replace("-", "_")
        plurals = _PLURALS.search(metadata.get("Plural-Forms", ""))
        self._forms = int(plurals[1]) if plurals else 2
        self._entries = [entry for entry in self._catalogue if not entry.obsolete and not entry.translated()]
        self._entries = [entry for entry in self._entries if not entry.fuzzy]
        self._mark = self._find_mark()
        self.texts = [text for entry in self._entries for text in self._texts(entry)]

    def _find_mark(self) -> str:
        """What stands before the letter of a keyboard shortcut in this program; nothing where it has none."""
        for mark, pattern in _BEFORE_A_WORD.items():
            if any(pattern.search(entry.msgid) for entry in self._catalogue):
                return mark
        return ""

    def _texts(self, entry: polib.POEntry) -> list[str]:
        texts = [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]
        return [self._split_key(text)[0] for text in texts]

    def _split_key(self, text: str) -> tuple[str, str]:
        """A text without the mark of its shortcut, and the letter of that."""
        marks = list(_ONE_KEY[self._mark].finditer(text)) if self._mark else []
        if len(marks) != 1:
            return text, ""
        place = marks[0].start()
        return text[:place] + text[place + 1 :], text[place + 1]

    def _with_key(self, text: str, letter: str) -> str:
        if not letter:
            return text
        if not writes_spaces(self._language):
            return f"{text}({self._mark}{letter.upper()})"
        place = text.casefold().find(letter.casefold())
        if place < 0 or len(text.casefold()) != len(text):
            place = next((at for at, char in enumerate(text) if char.isalpha()), 0)
        return text[:place] + self._mark + text[place:]

    def write(self, outputs: Sequence[str], faults: Sequence[list[str]]) -> str:
        """The catalogue, filled."""
        found = iter(zip(outputs, faults, strict=True))
        for entry in self._entries:
            texts = [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]
            forms = []
            wrong = False
            for text in texts:
                output, fault = next(found)
                output = _same_ends(text, output)
                forms.append(self._with_key(output, self._split_key(text)[1]))
                wrong |= bool(fault or find_faults(text, forms[-1]))
            if entry.msgid_plural:
                each = [forms[0] if form == 0 and self._forms > 1 else forms[1] for form in range(self._forms)]
                entry.msgstr_plural = dict(enumerate(each))
                wrong |= self._forms > 2  # the model knows one and many
            else:
                entry.msgstr = forms[0]
            if wrong:
                entry.flags.append("fuzzy")
        return f"{self._catalogue}\n"


def _same_ends(text: str, output: str) -> str:
    """The output, beginning and ending with a line feed where the text does: msgfmt refuses anything else."""
    start = "\n" if text.startswith("\n") else ""
    end = "\n" if text.endswith("\n") else ""
    return f"{start}{output.strip(chr(10))}{end}"
