"""Stage `tokenizer`: learn the vocabulary of the cleaned training pairs; a model to train further brings its own."""

from collections.abc import Iterator
from pathlib import Path

from seq2seq.bundles.manifest import MANIFEST, TOKENIZER
from seq2seq.core.errors import UserError
from seq2seq.core.files import replacing
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.text.corpus import read_partitions
from seq2seq.tokenizers.base import Tokenizer
from seq2seq.tokenizers.sentencepiece import TokenizerParams, train_tokenizer
from tasks.stage import path_arguments, run


def main() -> None:
    """Read the training corpus, write the tokenizer's folder."""
    paths = path_arguments(__doc__, "corpus", "pretrained", "out")
    params = load_section(PARAMS, "tokenizer", TokenizerParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    with replacing(paths.out) as partial:
        if (paths.pretrained / MANIFEST).exists():
            tokenizer = _brought(paths.pretrained / TOKENIZER)
            tokenizer.save(partial)
            print("tokenizer: the one of the model that is trained further; section tokenizer has no say")
        else:
            sources, targets = _column(paths.corpus, "source"), _column(paths.corpus, "target")
            tokenizer = train_tokenizer(sources, targets, params, runtime.threads, partial)
    print(f"tokenizer: {tokenizer.source_size:,} source and {tokenizer.target_size:,} target pieces")


def _brought(folder: Path) -> Tokenizer:
    """The tokenizer of the stage pretrained; that of a Hugging Face model with the prefix that params.yaml asks for."""
    from seq2seq.models.huggingface import FineTuningParams
    from seq2seq.tokenizers.huggingface import FACTS, PretrainedTokenizer
    from seq2seq.tokenizers.load import load_tokenizer

    if not (folder / FACTS).exists():
        return load_tokenizer(folder)
    tokenizer = PretrainedTokenizer.read(folder)
    prefix = load_section(PARAMS, "pretrained", FineTuningParams).prefix
    if (known := tokenizer.facts.prefix) and prefix != known:
        raise UserError(
            f"params.yaml: pretrained.prefix is {prefix!r}, but the model that is trained further was taught with "
            f"{known!r}; set it to that"
        )
    return tokenizer.with_prefix(prefix)


def _column(folder: Path, side: str) -> Iterator[str]:
    for frame in read_partitions(folder):
        yield from frame[side]


if __name__ == "__main__":
    run(main)
