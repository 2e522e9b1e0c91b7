"""Sizes by the amount of data: vocabulary, shape, regularisation and length of a training.

Each number has its reason beside it: measured here (docs/multi30k.md, docs/recipes.md), from the literature, or by rule
of thumb. Sennrich and Zhang 2019, https://aclanthology.org/P19-1021: with little data fewer pieces, more dropout,
smaller batches. Araabi and Monz 2020, https://aclanthology.org/2020.coling-main.304: the same for Transformers.
Van Biljon et al. 2020, https://arxiv.org/abs/2004.04418: fewer layers. They give directions; the numbers are ours.
"""

from dataclasses import dataclass
from typing import NamedTuple

BYTES_AND_SPECIAL = 261  # pieces that a vocabulary with byte fallback always has
PIECES_PER_WORD = 1.3  # of a vocabulary of thousands; Multi30k with 8,000 pieces has 1.36
PASSES = 60  # over the corpus at most: the best run of docs/multi30k.md made 66, that of preset gettext 39
LEAST_UPDATES = 1500
MOST_UPDATES = 200_000
HELD_OUT_LINES = 500  # of each held-out set: intervals of BLEU are then some 3 points wide either way
PATIENCE = 10  # validations


@dataclass(frozen=True)
class Amount:
    """How much there is to learn from."""

    pairs: int
    words: float  # of both sides of all pairs; where a script has no spaces, two letters are one
    characters: int  # different ones that 99.95 % of the text of both sides consists of


class Choice(NamedTuple):
    """One value of params.yaml, and why."""

    section: str
    key: str
    value: int | float | str | bool
    why: str


class Size(NamedTuple):
    """A model and its training, for up to this many pairs."""

    pairs: int
    pieces: int
    layers: int
    width: int
    heads: int
    feed_forward: int
    dropout: float
    batch_tokens: int
    lr: float
    warmup_updates: int
    origin: str  # of these numbers


SIZES = [
    Size(8_000, 2_000, 3, 128, 4, 256, 0.3, 4096, 3e-3, 400, "a guess after the literature; not measured"),
    Size(20_000, 4_000, 4, 128, 4, 256, 0.3, 4096, 4e-3, 800, "between its neighbours; not measured here"),
    Size(60_000, 8_000, 4, 128, 4, 256, 0.3, 8192, 5e-3, 1000, "29,000 pairs of Multi30k, docs/multi30k.md"),
    Size(250_000, 12_000, 4, 256, 4, 1024, 0.2, 8192, 2e-3, 2000, "a guess after the literature; not measured"),
    Size(10**12, 24_000, 6, 512, 8, 2048, 0.1, 16_384, 7e-4, 4000, "Vaswani et al. 2017; not measured here"),
]


def choose(amount: Amount) -> list[Choice]:
    """The values of params.yaml for so much data, each with its reason."""
    size = next(size for size in SIZES if amount.pairs <= size.pairs)
    origin = f"for {amount.pairs:,} pairs; from {size.origin}"
    updates, validate_every = _length(amount, size)
    percent = min(5.0, max(2.0, round(100 * HELD_OUT_LINES / amount.pairs, 1)))
    return [
        Choice("cleaning", "held_out_percent", percent, f"{percent:g} % for each of validation, gate and test"),
        Choice("tokenizer", "vocabulary_size", *_vocabulary(amount, size)),
        Choice("model", "architecture", "transformer", "the architecture that these sizes are for"),
        Choice("transformer", "encoder_layers", size.layers, origin),
        Choice("transformer", "decoder_layers", size.layers, "as many"),
        Choice("transformer", "width", size.width, "more learns by heart where data are few"),
        Choice("transformer", "heads", size.heads, f"each {size.width // size.heads} wide"),
        Choice("transformer", "feed_forward", size.feed_forward, "small for few pairs, by rule of thumb"),
        Choice("transformer", "dropout", size.dropout, "the fewer the pairs, the more; 0.3 beat 0.2 on Multi30k"),
        Choice("train", "batch_tokens", size.batch_tokens, "smaller batches suit fewer pairs"),
        Choice("train", "schedule", "cosine", "0.8 BLEU above inverse_sqrt on Multi30k, dropout and warm-up included"),
        Choice("train", "lr", size.lr, f"the peak, for width {size.width}"),
        Choice("train", "warmup_updates", min(size.warmup_updates, updates // 4), "a quarter of all at most"),
        Choice("train", "max_updates", updates, f"at most some {PASSES} passes over the pairs"),
        Choice("train", "max_epochs", 100_000, "max_updates and patience decide"),
        Choice("train", "validate_every", validate_every, "40 times in all"),
        Choice(
            "train", "patience", PATIENCE, f"stops after {PATIENCE * validate_every:,} updates without a better one"
        ),
        Choice("decoding", "length_penalty", 1.0, "1.4 won on half a validation set and lost on the test set"),
        Choice("back_translation", "enabled", False, "your pairs hold no monolingual text"),
        Choice("back_translation", "ratio", 5.0, "if you add such text: 5 helped on Multi30k, 1 did not"),
        Choice("back_translation", "upsample", 3, "and reads each real pair 3 times beside it"),
    ]


def _vocabulary(amount: Amount, size: Size) -> tuple[int, str]:
    """Pieces, of which characters take half at most, and why so many."""
    needed = BYTES_AND_SPECIAL + 2 * amount.characters
    if needed <= size.pieces:
        return size.pieces, f"for {amount.pairs:,} pairs; its characters alone take {amount.characters:,}"
    pieces = -(-needed // 500) * 500
    return (
        pieces,
        f"twice the {amount.characters:,} characters and the bytes, though {size.pieces:,} would suit the pairs",
    )


def _length(amount: Amount, size: Size) -> tuple[int, int]:
    """Updates of the whole training, and between validations."""
    pieces = PIECES_PER_WORD * amount.words + 2 * amount.pairs  # and the ends of both sides
    most = round(PASSES * pieces / size.batch_tokens / 100) * 100
    updates = min(MOST_UPDATES, max(LEAST_UPDATES, most))
    return updates, max(25, updates // 40)
