"""What a model learns from, in pieces: tokenized once, or again for each epoch where words are cut at random."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from shutil import rmtree

import pandas as pd

from seq2seq.core.errors import UserError
from seq2seq.models.batches import PairedSequences
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.text.corpus import TRAIN, VALIDATION, count_lines, read_corpus, read_partitions, swap
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.base import SubwordSampling, Tokenizer
from seq2seq.tokenizers.load import load_tokenizer
from seq2seq.training.augmentation import AugmentationParams, augment
from seq2seq.training.distributed import Processes
from seq2seq.training.old_pairs import OldPairs
from seq2seq.training.params import TrainingParams
from seq2seq.training.token_store import Encoded, TokenStore, fits, write_token_store

LINES_AT_ONCE = 10_000  # to encode: lists of numbers take much more memory than text


@dataclass(frozen=True)
class Direction:
    """From which language to which a model translates, how their text becomes pieces, and the pairs it learns from.

    Pairs are frames with columns source and target, read again each time they are asked for.
    """

    languages: LanguagesParams
    tokenizer: Tokenizer
    real: Callable[[], Iterable[pd.DataFrame]]
    synthetic: Callable[[], Iterable[pd.DataFrame]]  # a backward model made their sources; may be none
    lines: int  # of both
    validation: pd.DataFrame  # what early stopping and averaging read
    tag: bool  # mark the sources of synthetic pairs

    def reverse(self) -> "Direction":
        """The same pairs for the opposite direction."""
        return Direction(
            languages=self.languages.reverse(),
            tokenizer=self.tokenizer.reverse(),
            real=lambda: map(swap, self.real()),
            synthetic=lambda: map(swap, self.synthetic()),
            lines=self.lines,
            validation=swap(self.validation),
            tag=self.tag,
        )

    def learning_from(self, distilled: Path) -> "Direction":
        """The same direction with the pairs of a corpus that a teacher made, in place of the real ones."""
        return replace(
            self, real=lambda: read_partitions(distilled), synthetic=lambda: (), lines=count_lines(distilled)
        )

    def augmented(self, params: AugmentationParams, copies: int) -> "Direction":
        """The same direction with so many changed copies of real pairs beside them."""
        return replace(self, real=lambda: chain(self.real(), augment(self.real(), params)), lines=self.lines + copies)

    def encode(self, sampling: SubwordSampling | None = None) -> Iterator[tuple[Encoded, Encoded]]:
        """Yield sources and targets of the training pairs, in pieces."""
        for frames, tag in ((self.real(), False), (self.synthetic(), self.tag)):
            for frame in frames:
                for start in range(0, len(frame), LINES_AT_ONCE):
                    lines = frame[start : start + LINES_AT_ONCE]
                    sources = self.tokenizer.encode_source(lines["source"].tolist(), tag, sampling)
                    targets = self.tokenizer.encode_target(lines["target"].tolist(), sampling)
                    yield sources, targets

    def encode_validation(self, max_length: int) -> PairedSequences:
        """The validation pairs in pieces, those with a side over ``max_length`` left out."""
        sources = self.tokenizer.encode_source(self.validation["source"].tolist())
        targets = self.tokenizer.encode_target(self.validation["target"].tolist())
        kept = [(src, tgt) for src, tgt in zip(sources, targets, strict=True) if fits(src, tgt, max_length)]
        return PairedSequences.of([src for src, _ in kept], [tgt for _, tgt in kept])


def read_direction(
    corpus: Path,
    synthetic: Path | None,
    tokenizer: Path,
    languages: LanguagesParams,
    params: BackTranslationParams,
    old: OldPairs | None = None,
) -> Direction:
    """The direction of a cleaned corpus.

    Args:
        corpus: folder of its splits.
        synthetic: folder of synthetic pairs; beside them each real pair comes as often as ``params`` says.
        tokenizer: folder of its tokenizer.
        languages: of its two sides.
        params: how synthetic pairs are mixed in.
        old: how old pairs are.

    Raises:
        UserError: a file is damaged.
    """
    real = corpus / TRAIN
    synthetic_lines = count_lines(synthetic) if synthetic else 0
    times = params.upsample if synthetic_lines else 1

    def once() -> Iterator[pd.DataFrame]:
        frames = read_partitions(real)
        return old.thin(frames) if old else frames

    return Direction(
        languages=languages,
        tokenizer=load_tokenizer(tokenizer),
        real=lambda: (frame for _ in range(times) for frame in once()),
        synthetic=lambda: read_partitions(synthetic) if synthetic else (),
        lines=times * (old.lines if old else count_lines(real)) + synthetic_lines,
        validation=read_corpus(corpus / VALIDATION),
        tag=params.tag,
    )


def tell_left_out(label: str, name: str, pairs: int, max_length: int) -> None:
    """Say how many pairs are too long for the model."""
    if pairs:
        print(f"{label}: {pairs:,} {name} over {max_length} pieces are left out", flush=True)


def check_size(label: str, name: str, pairs: int, too_long: int) -> None:
    """Check that a set has pairs.

    Raises:
        UserError: it has none, or all are too long for the model.
    """
    if pairs:
        return
    if too_long:
        raise UserError(f"{label}: all {too_long:,} {name} pairs are too long for the model; raise its max_length")
    raise UserError(f"{label}: the {name} set is empty; reports/cleaning.json says what was dropped, and why")


@dataclass(frozen=True)
class EpochStores:
    """The encoded training pairs of each epoch, which the first of several processes writes for all."""

    direction: Direction
    params: TrainingParams  # without subword sampling all epochs have one store
    max_length: int
    work: Path
    processes: Processes
    label: str  # of lines that tell how many pairs are left out

    def __call__(self, epoch: int) -> TokenStore:
        """The store of an epoch, counted from 0; with subword sampling, that of the epoch before is removed.

        Raises:
            UserError: it has no pairs, or this machine doesn't see what the first process has written.
        """
        epoch = epoch if self.params.subword_sampling else 0
        folder = self.work / f"tokens-{epoch:06d}"
        if self.processes.is_first and not folder.exists():
            for old in self.work.glob("tokens-*"):
                rmtree(old, ignore_errors=True)  # NFS keeps what another process still reads
            self._write(folder, epoch)
        self.processes.wait()
        if not folder.exists():
            raise UserError(f"{self.label}: {self.work} isn't shared among the machines: share it, and start again")
        store = TokenStore(folder)
        check_size(self.label, "training", store.pairs, store.left_out)
        return store

    def _write(self, folder: Path, epoch: int) -> None:
        alpha = self.params.subword_sampling
        sampling = SubwordSampling(alpha, self.params.seed, epoch) if alpha else None
        write_token_store(folder, self.direction.encode(sampling), self.direction.lines, self.max_length)
        name = f"training pairs of epoch {epoch + 1}" if sampling else "training pairs"
        tell_left_out(self.label, name, TokenStore(folder).left_out, self.max_length)
