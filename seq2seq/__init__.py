"""HOW: the library. The rooms tell the story of a sentence, from a corpus to a served model.

This is its public face, imported lazily: ``from seq2seq import Translator``. Knows nothing of Prefect, DVC, MLflow or a
server; importing it does nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.core.errors import TransientError, UserError
    from seq2seq.inference.pages import translate_html
    from seq2seq.inference.translator import Output, Translator
    from seq2seq.report.heat_maps import read_attention
    from seq2seq.settings import Parameters, read_settings

_HOMES = {
    "Output": "seq2seq.inference.translator",
    "Parameters": "seq2seq.settings",
    "TransientError": "seq2seq.core.errors",
    "Translator": "seq2seq.inference.translator",
    "UserError": "seq2seq.core.errors",
    "read_attention": "seq2seq.report.heat_maps",
    "read_settings": "seq2seq.settings",
    "translate_html": "seq2seq.inference.pages",
}
__all__ = [
    "Output",
    "Parameters",
    "TransientError",
    "Translator",
    "UserError",
    "read_attention",
    "read_settings",
    "translate_html",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seq2seq' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
