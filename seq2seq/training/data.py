"""What a model learns from, in pieces: tokenized once, or again for each epoch where words are cut at random."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.models.batches import PairedSequences
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.text.corpus import TRAIN, VALIDATION, count_lines, read_corpus, read_partitions, swap
from seq2seq.tokenizers.base import SubwordSampling, Tokenizer
from seq2seq.training.distributed import Processes
from seq2seq.training.token_store import Encoded, TokenStore, fits, write_token_store

LINES_AT_ONCE = 10_000  # to encode: lists of numbers take much more memory than text


@dataclass(frozen=True)
class TrainingData:
    """What a model learns from: frames with columns source and target, read again each time they are asked for."""

    real: Callable[[], Iterable[pd.DataFrame]]
    synthetic: Callable[[], Iterable[pd.DataFrame]]  # a backward model made their sources; may be none
    lines: int  # of both
    validation: pd.DataFrame  # what early stopping and averaging read
    tag: bool  # mark the sources of synthetic pairs

    def reverse(self) -> "TrainingData":
        """The same pairs for the opposite direction."""
        return TrainingData(
            lambda: map(swap, self.real()),
            lambda: map(swap, self.synthetic()),
            self.lines,
            swap(self.validation),
            self.tag,
        )

    def encode(
        self, tokenizer: Tokenizer, sampling: SubwordSampling | None = None
    ) -> Iterator[tuple[Encoded, Encoded]]:
        """Yield sources and targets of the training pairs, in pieces."""
        for frames, tag in ((self.real(), False), (self.synthetic(), self.tag)):
            for frame in frames:
                for start in range(0, len(frame), LINES_AT_ONCE):
                    lines = frame[start : start + LINES_AT_ONCE]
                    sources, targets = lines["source"].tolist(), lines["target"].tolist()
                    yield (
                        tokenizer.encode_source(sources, tag, sampling),
                        tokenizer.encode_target(targets, sampling),
                    )

    def encode_validation(self, tokenizer: Tokenizer, max_length: int) -> PairedSequences:
        """The validation pairs in pieces, those with a side over ``max_length`` left out."""
        sources = tokenizer.encode_source(self.validation["source"].tolist())
        targets = tokenizer.encode_target(self.validation["target"].tolist())
        kept = [(src, tgt) for src, tgt in zip(sources, targets, strict=True) if fits(src, tgt, max_length)]
        return PairedSequences.of([src for src, _ in kept], [tgt for _, tgt in kept])


def read_training_data(corpus: Path, synthetic: Path | None, params: BackTranslationParams) -> TrainingData:
    """The pairs of a cleaned ``corpus``, each as often as ``params`` says where ``synthetic`` ones are beside them."""
    real, synthetic_lines = corpus / TRAIN, count_lines(synthetic) if synthetic else 0
    times = params.upsample if synthetic_lines else 1
    return TrainingData(
        real=lambda: (frame for _ in range(times) for frame in read_partitions(real)),
        synthetic=lambda: read_partitions(synthetic) if synthetic else (),
        lines=times * count_lines(real) + synthetic_lines,
        validation=read_corpus(corpus / VALIDATION),
        tag=params.tag,
    )


def tell_left_out(label: str, name: str, pairs: int, max_length: int, of_what: str = "") -> None:
    """Say how many pairs are too long for the model."""
    if pairs:
        print(f"{label}: {pairs:,} {name} pairs{of_what} over {max_length} pieces are left out", flush=True)


@dataclass(frozen=True)
class EpochStores:
    """The encoded training pairs of each epoch, which the first of several processes writes for all."""

    data: TrainingData
    tokenizer: Tokenizer
    subword_sampling: float  # 0: all epochs have one store
    seed: int
    max_length: int
    work: Path
    processes: Processes
    label: str  # of lines that tell how many pairs are left out

    def __call__(self, epoch: int) -> TokenStore:
        """The store of an epoch, counted from 0; with subword sampling, that of the epoch before is removed."""
        epoch = epoch if self.subword_sampling else 0
        folder = self.work / f"tokens-{epoch:06d}"
        if self.processes.is_first and not folder.exists():
            for old in self.work.glob("tokens-*"):
                rmtree(old, ignore_errors=True)  # NFS keeps what another process still reads
            sampling = SubwordSampling(self.subword_sampling, self.seed, epoch) if self.subword_sampling else None
            write_token_store(folder, self.data.encode(self.tokenizer, sampling), self.data.lines, self.max_length)
            of_epoch = f" of epoch {epoch + 1}" if sampling else ""
            tell_left_out(self.label, "training", TokenStore(folder).left_out, self.max_length, of_epoch)
        self.processes.wait()
        if not folder.exists():
            raise UserError(f"{self.label}: {self.work} isn't shared among the machines: share it, and start again")
        return TokenStore(folder)
