"""Read a tokenizer of either kind."""

from pathlib import Path

from seq2seq.tokenizers.base import Tokenizer
from seq2seq.tokenizers.huggingface import FACTS, PretrainedTokenizer
from seq2seq.tokenizers.sentencepiece import SentencePieceTokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer that was saved in a folder.

    Raises:
        UserError: the folder holds no tokenizer, or a damaged one.
    """
    if (folder / FACTS).exists():
        return PretrainedTokenizer.read(folder)
    return SentencePieceTokenizer.read(folder)
