"""The whole of params.yaml: which class checks which section."""

import difflib
from collections.abc import Mapping
from typing import Any

from seq2seq.back_translation import BackTranslationParams
from seq2seq.benchmark import BenchmarkParams
from seq2seq.catalogue import CorporaParams
from seq2seq.cleaning import CleaningParams
from seq2seq.errors import UserError
from seq2seq.export import QuantizationParams
from seq2seq.languages import LanguagesParams
from seq2seq.metrics import EvaluationParams
from seq2seq.params import Section, check_section
from seq2seq.phrasebook import PhrasebookParams
from seq2seq.release import ReleaseParams
from seq2seq.runtime import RuntimeParams
from seq2seq.tokenizer import TokenizerParams
from seq2seq.training import TrainingParams
from seq2seq.transformer import TransformerParams
from seq2seq.translator import DecodingParams


class Parameters(Section):
    """Every section of params.yaml."""

    languages: LanguagesParams
    corpora: CorporaParams
    phrasebook: PhrasebookParams
    cleaning: CleaningParams
    tokenizer: TokenizerParams
    model: TransformerParams
    train: TrainingParams
    train_backward: TrainingParams
    back_translation: BackTranslationParams
    decoding: DecodingParams
    evaluation: EvaluationParams
    quantization: QuantizationParams
    benchmark: BenchmarkParams
    release: ReleaseParams
    runtime: RuntimeParams


def check_parameters(tree: Mapping[str, Any], where: str) -> Parameters:
    """Check all sections; ``where`` names their file, and what was laid over it, in the error.

    Raises:
        UserError: a section is missing or unknown, or a key or value in one is wrong.
    """
    return check_section(tree, "", Parameters, where)
