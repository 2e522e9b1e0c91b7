"""SentencePiece (Kudo and Richardson 2018): a vocabulary that is learned from the corpus.

Unigram: Kudo 2018, "Subword Regularization"; BPE: Sennrich et al. 2016, "Neural Machine Translation of
Rare Words with Subword Units".
"""

import hashlib
import heapq
import io
import re
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import sentencepiece
from pydantic import Field

from seq2seq.core.errors import UserError
from seq2seq.core.params import Section
from seq2seq.text.normalization import normalise
from seq2seq.tokenizers.base import BOS, BT, EOS, PAD, SPECIAL_PIECES, UNK, SubwordSampling, Tokenizer

JOINT, SOURCE, TARGET = "joint.model", "source.model", "target.model"
SAMPLE_LINES = 200_000  # of each side at most: more change few pieces, and these take 20 s and 0.7 GB already
SAMPLE_BYTES = 2**26  # of each side at most, where lines are long: SentencePiece takes 25 times as much memory
LONGEST_LINE = 4192  # bytes: SentencePiece leaves out longer ones, unless told otherwise
RESERVED = "▅"  # SentencePiece leaves out lines that hold what it puts in the place of rare characters
CHARACTER_COVERAGE = 0.9995  # the rarest characters get no piece of their own; they become bytes or <unk>
CHARACTER_SHARE = 0.5  # of a vocabulary at most, beside special pieces and bytes: the rest is for what recurs
UNCOUNTED = "\0"  # SentencePiece learns no piece with it; its own character_coverage can't go below 0.98
LEAST_CHARACTERS = 2  # a vocabulary has room for at least these
BYTES = 256  # pieces, where there is byte fallback
LOG_NOTHING = 4  # SentencePiece's log level above "error": its errors come as exceptions


class TokenizerParams(Section):
    """How text is cut into pieces."""

    algorithm: Literal["unigram", "bpe"] = Field(
        description="Chooses how SentencePiece learns its pieces: the unigram model, or byte-pair encoding."
    )
    vocabulary: Literal["joint", "separate"] = Field(
        description="Shares one vocabulary between both languages (joint), or learns one for each (separate)."
    )
    vocabulary_size: int = Field(
        ge=16,
        le=1_000_000,
        description="Learns this many pieces, special ones included; more make texts shorter and the model larger.",
    )
    byte_fallback: bool = Field(description="Spells unknown characters as bytes; without it they become <unk>.")
    split_digits: bool = Field(
        description="Makes each digit a piece of its own, so that numbers are copied digit by digit."
    )


class SentencePieceTokenizer(Tokenizer):
    """A tokenizer that was trained on the corpus; restores normalised text exactly."""

    def __init__(self, source_model: bytes, target_model: bytes) -> None:
        """Take two serialized SentencePiece models; the same one twice is a joint vocabulary.

        Raises:
            ValueError: a model is damaged, or its special pieces are not ours.
        """
        self._models = (source_model, target_model)
        self.shared = source_model == target_model
        self._source = _processor(source_model)
        self._target = self._source if self.shared else _processor(target_model)

    @classmethod
    def read(cls, folder: Path) -> "SentencePieceTokenizer":
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the folder holds no tokenizer, or a damaged one.
        """
        names = [JOINT, JOINT] if (folder / JOINT).exists() else [SOURCE, TARGET]
        try:
            return cls(*((folder / name).read_bytes() for name in names))
        except FileNotFoundError:
            raise UserError(f"{folder} holds no tokenizer ({JOINT}, or {SOURCE} and {TARGET}); make it again") from None
        except ValueError as error:
            raise UserError(f"{folder}: {error}; make the tokenizer again") from None

    def save(self, folder: Path) -> None:
        """Write one model file (joint) or two (separate) into a new or empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        names = [JOINT] if self.shared else [SOURCE, TARGET]
        for name, model in zip(names, self._models, strict=False):  # of a joint tokenizer both are the same
            (folder / name).write_bytes(model)

    def reverse(self) -> "SentencePieceTokenizer":
        """The tokenizer of the opposite direction."""
        return SentencePieceTokenizer(*reversed(self._models))

    @property
    def source_pieces(self) -> list[str]:
        """The source vocabulary in the order of its ids."""
        return _pieces(self._source)

    @property
    def target_pieces(self) -> list[str]:
        """The target vocabulary in the order of its ids."""
        return _pieces(self._target)

    def encode_source(
        self, texts: list[str], synthetic: bool = False, sampling: SubwordSampling | None = None
    ) -> list[list[int]]:
        """Piece ids of each text, ending with EOS; those of synthetic texts start with BT."""
        tag = [BT] if synthetic else []
        return [[*tag, *ids, EOS] for ids in _encode(self._source, texts, sampling)]

    def encode_target(self, texts: list[str], sampling: SubwordSampling | None = None) -> list[list[int]]:
        """Piece ids of each text, without BOS and EOS."""
        return _encode(self._target, texts, sampling)

    def decode_target(self, ids: list[list[int]]) -> list[str]:
        """Text of each list of ids; special pieces vanish, except that UNK becomes a visible ⁇."""
        return list(self._target.decode(ids, num_threads=1)) if ids else []


def train_tokenizer(
    sources: Iterable[str], targets: Iterable[str], params: TokenizerParams, threads: int, out: Path
) -> Tokenizer:
    """Learn the vocabulary from cleaned lines and save it in the folder ``out``.

    The bytes depend on the lines, ``params`` and ``threads`` alone: SentencePiece reads lines from memory
    and hands the model back, so no path gets into it. A size that the corpus can't fill is shrunk, and a
    line says so.

    Raises:
        UserError: there are no lines, or the vocabulary can't hold the bytes or, without byte fallback, the corpus's
            characters.
    """
    source_lines = _sample(_learnable("source", sources))
    target_lines = _sample(_learnable("target", targets))
    if params.vocabulary == "joint":
        joint = _train("joint", source_lines + target_lines, params, threads)
        tokenizer = SentencePieceTokenizer(joint, joint)
    else:
        tokenizer = SentencePieceTokenizer(
            _train("source", source_lines, params, threads), _train("target", target_lines, params, threads)
        )
    tokenizer.save(out)
    return tokenizer


def _learnable(side: str, lines: Iterable[str]) -> Iterator[str]:
    """What SentencePiece learns from: it would leave out long lines and those with its reserved character."""
    cut = parts = 0
    for line in lines:
        rest = line.replace(RESERVED, " ")
        if len(rest.encode()) <= LONGEST_LINE:
            yield rest
            continue
        found = list(cut_line(rest, LONGEST_LINE))
        cut += 1
        parts += len(found)
        yield from found
    if cut:
        print(
            f"tokenizer: {cut:,} {side} lines of more than {LONGEST_LINE:,} bytes are learned from in {parts:,} parts",
            file=sys.stderr,
            flush=True,
        )


def cut_line(line: str, limit: int) -> Iterator[str]:
    """Cut a line into parts of at most ``limit`` bytes, at spaces where there are any; nothing else is lost."""
    data = line.encode()
    start = 0
    while len(data) - start > limit:
        space = data.rfind(b" ", start, start + limit + 1)
        end = space if space > start else start + limit
        while data[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        yield data[start:end].decode()
        start = end + (space > start)
    yield data[start:].decode()


def _sample(lines: Iterable[str], limit: int = SAMPLE_LINES, limit_bytes: int = SAMPLE_BYTES) -> list[str]:
    """The lines with the smallest hashes, as many as the limits allow, in their order: a fair draw from a corpus."""
    kept: list[tuple[int, int, bytes]] = []  # a heap; the largest hash, negated, is on top
    size = 0
    least = -(2**64)  # ranks from here on are drawn; none that was once left out comes in again
    for position, line in enumerate(lines):
        if not normalise(line):
            continue
        data = line.encode()
        rank = -int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
        if rank <= least:
            continue
        heapq.heappush(kept, (rank, position, data))
        size += len(data)
        while len(kept) > limit or size > limit_bytes:
            least, _, left_out = heapq.heappop(kept)
            size -= len(left_out)
    return [data.decode() for _, _, data in sorted(kept, key=lambda entry: entry[1])]


def _train(side: str, lines: list[str], params: TokenizerParams, threads: int) -> bytes:
    if not lines:
        raise UserError(f"tokenizer: the {side} side of the training corpus has no lines; see reports/cleaning.json")
    print(f"tokenizer: learning the {side} vocabulary from {len(lines):,} lines", file=sys.stderr, flush=True)
    if params.byte_fallback and params.vocabulary_size < (least := len(SPECIAL_PIECES) + BYTES + LEAST_CHARACTERS):
        raise UserError(
            f"params.yaml: 'tokenizer.vocabulary_size' is {params.vocabulary_size}, but with byte fallback the bytes "
            f"alone need {least} pieces; set it to at least that"
        )
    rare = _rare_characters(side, lines, params) if params.byte_fallback else ""
    if rare:
        hidden = str.maketrans(dict.fromkeys(rare, UNCOUNTED))
        lines = [line.translate(hidden) for line in lines]
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=params.algorithm,
            vocab_size=params.vocabulary_size,
            hard_vocab_limit=False,  # a soft limit is met exactly unless the corpus has fewer pieces to give
            character_coverage=1.0 if rare else CHARACTER_COVERAGE,
            byte_fallback=params.byte_fallback,
            split_digits=params.split_digits,
            normalization_rule_name="identity",  # normalise() has done it, and restoring must be exact
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            pad_piece=SPECIAL_PIECES[PAD],
            unk_piece=SPECIAL_PIECES[UNK],
            bos_piece=SPECIAL_PIECES[BOS],
            eos_piece=SPECIAL_PIECES[EOS],
            control_symbols=SPECIAL_PIECES[BT:],
            num_threads=threads,
            minloglevel=LOG_NOTHING,
        )
    except RuntimeError as error:
        if not (minimum := re.search(r"smaller than required_chars. \d+ vs (\d+)", str(error))):
            raise
        raise UserError(
            f"params.yaml: 'tokenizer.vocabulary_size' is {params.vocabulary_size}, but the characters of the "
            f"{side} side alone need {minimum[1]} pieces; set it to at least that, or byte_fallback to true"
        ) from None
    size = int(_processor(model.getvalue()).get_piece_size())
    if size < params.vocabulary_size:
        print(
            f"tokenizer: notice: the {side} side supports only {size:,} pieces, "
            f"so vocabulary_size shrinks from {params.vocabulary_size:,} to {size:,}",
            flush=True,
        )
    return model.getvalue()


def _rare_characters(side: str, lines: list[str], params: TokenizerParams) -> str:
    """The characters that are to be spelt as bytes, where all those of a usual coverage would fill the vocabulary."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    total = counts.total()
    ranked = sorted(counts, key=lambda char: (-counts[char], char))
    reached = list(accumulate(counts[char] for char in ranked))
    usual = bisect_left(reached, CHARACTER_COVERAGE * total) + 1
    room = int((params.vocabulary_size - len(SPECIAL_PIECES) - BYTES) * CHARACTER_SHARE)
    if usual <= room:
        return ""
    print(
        f"tokenizer: notice: the {room:,} most frequent of {len(ranked):,} characters of the {side} side become "
        f"pieces, {CHARACTER_SHARE:.0%} of what vocabulary_size {params.vocabulary_size:,} leaves beside the bytes; "
        f"the others, {1 - reached[room - 1] / total:.1%} of the text, are spelt as bytes",
        flush=True,
    )
    return "".join(ranked[room:])


def _processor(model: bytes) -> Any:
    """Load a serialized model and check that its special pieces are ours."""
    processor = sentencepiece.SentencePieceProcessor()
    try:
        loaded = bool(model) and processor.LoadFromSerializedProto(model)
    except RuntimeError:
        loaded = False
    if not loaded:
        raise ValueError("the tokenizer's model file is damaged")
    if _pieces(processor)[: len(SPECIAL_PIECES)] != SPECIAL_PIECES:
        raise ValueError(f"the tokenizer's first pieces are not {' '.join(SPECIAL_PIECES)}, so it is not one of ours")
    return processor


def _pieces(processor: Any) -> list[str]:
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]


def _encode(processor: Any, texts: list[str], sampling: SubwordSampling | None) -> list[list[int]]:
    if not texts:
        return []
    options = sampling.reseed() if sampling else {}
    # one thread: the default takes every core of the machine, and draws in another order each time
    return list(processor.encode([normalise(text) for text in texts], num_threads=1, **options))
