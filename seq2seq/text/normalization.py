"""One form of each text, for training and for serving alike.

Canonical composition (NFC) unifies only what Unicode calls the same text. NFKC would also turn
``½`` into ``1/2``, ``m²`` into ``m2`` and full-width punctuation into ASCII: differences that a
translation is expected to keep.
"""

import re
import unicodedata

# Invisible characters that only formatting needs: control and bidirectional marks, soft hyphen,
# zero-width space, word joiner, byte order mark; and halves of surrogate pairs. The joiners U+200C and
# U+200D stay: Persian, Indic scripts and emoji change without them. White space is left for split().
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
# SentencePiece writes this character for a space, so a text that holds it can't be restored.
_SENTENCEPIECE_SPACE = "\u2581"


def normalise(text: str) -> str:
    """Compose (NFC), drop invisible characters, and turn each run of any white space into one space.

    Normalising twice changes nothing more, and the tokenizer restores normalised text exactly.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace(_SENTENCEPIECE_SPACE, "_")
    if not text.isprintable():  # true for most lines, and much cheaper to ask
        # composed once more: a mark may now follow its letter
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return " ".join(text.split())
