"""The registered model. MLflow stores this file as it is and runs it to load a model: code in place of a pickle.

https://mlflow.org/docs/latest/ml/model/models-from-code/
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

LIBRARY = "seq2seq"
STORED_CODE = Path(__file__).parent / "code"  # where MLflow puts the library beside this file


@contextmanager
def _stored_library() -> Iterator[None]:
    """Import the library that was stored with this model, even if the process has another one already.

    Python knows one module of a name. Two models of different commits, loaded by one process, each need theirs.
    """
    others = _forget_library()
    sys.path.insert(0, str(STORED_CODE))
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # to load a stored model adds nothing to it
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(STORED_CODE))
        _forget_library()
        sys.modules.update(others)


def _forget_library() -> dict[str, Any]:
    names = [name for name in sys.modules if name.split(".")[0] == LIBRARY]
    return {name: sys.modules.pop(name) for name in names}


class TranslationModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Translates a DataFrame's column "source" into a DataFrame with a column "target"."""

    def load_context(self, context: Any) -> None:
        """Load the bundle; ``context.model_config`` holds the runtime and decoding params, one key each."""
        with _stored_library():
            from seq2seq.core.runtime import RuntimeParams
            from seq2seq.decoding.params import DecodingParams
            from seq2seq.inference.translator import Translator

            def section(kind: Any) -> Any:
                return kind(**{key: context.model_config[key] for key in kind.model_fields})

            self.decoding = section(DecodingParams)
            self.translator = Translator.load(Path(context.artifacts["bundle"]), section(RuntimeParams))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Translate each row; a missing text counts as an empty one, and a warning tells of texts that are too long."""
        texts = model_input["source"].fillna("").tolist()
        if rows := [row for row, is_long in enumerate(self.translator.splitter.find_long(texts)) if is_long]:
            warnings.warn(
                f"{len(rows):,} of {len(texts):,} texts (the first is row {rows[0]}) are longer than the "
                f"{self.translator.limit} pieces that the model reads; {self.translator.splitter.fate_of_long}",
                stacklevel=2,
            )
        return pd.DataFrame({"target": self.translator.translate(texts, self.decoding)})


mlflow.models.set_model(TranslationModel())
