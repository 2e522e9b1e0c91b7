"""What benchmarks.training has its engines do: the pairs and the tokenizer of a run, a shape, and batches."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines.job import Job, Pairs
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, check_section, load_section, overlay, read_yaml
from seq2seq.core.runtime import RuntimeParams
from seq2seq.models.batches import PairedSequences, training_batches
from seq2seq.models.transformer import TransformerParams
from seq2seq.text.corpus import read_corpus
from seq2seq.tokenizers.base import BOS, EOS, PAD, UNK, Tokenizer
from seq2seq.tokenizers.load import load_tokenizer
from seq2seq.training.params import load_training
from seq2seq.training.token_store import fits

SHAPE = Path("presets/transformer-tiny.yaml")
BATCH_TOKENS = 8192
WARMUP = 20  # updates of each engine before it is timed
# whatever params.yaml has, since the peers do it so
ALIKE = {
    "schedule": "inverse_sqrt",
    "accumulate": 1,
    "subword_sampling": 0.0,
    "r_drop": 0.0,
    "adversarial": 0.0,
    "ema": 0.0,
    "compile": False,
}


def make_job(folder: Path, updates: int, rounds: int) -> Job:
    """A training of ``rounds`` times ``updates`` on the pairs of a run, with the batches that our trainer makes.

    The shape is that of SHAPE; params.yaml says the rest.

    Raises:
        UserError: the run has no cleaned pairs, or its tokenizer is missing or not joint.
    """
    tokenizer = load_tokenizer(folder / "models" / "tokenizer")
    if not tokenizer.shared:
        raise UserError(f"{folder}: the tokenizer is not joint; take a run with tokenizer.vocabulary=joint")
    tree = overlay(read_yaml(PARAMS), read_yaml(SHAPE), str(SHAPE))
    model = check_section(tree["transformer"], "transformer", TransformerParams, str(SHAPE))
    total = WARMUP + rounds * updates
    changes = {"max_updates": total, "max_epochs": total, "validate_every": total, "batch_tokens": BATCH_TOKENS}
    training = load_training(PARAMS, "train").model_copy(update=changes | ALIKE)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    runtime = runtime.model_copy(update={"device": "cpu", "precision": "float32"})
    pairs, validation = (
        _encode(folder / "data" / "clean" / name, tokenizer, model.max_length) for name in ("train", "validation")
    )
    epochs = (training_batches([pairs], BATCH_TOKENS, training.seed, epoch) for epoch in itertools.count())
    batches = (rows.tolist() for _, rows in itertools.chain.from_iterable(epochs))
    return Job(
        train=_listed(pairs, list(itertools.islice(batches, total))),
        validation=_listed(validation, [rows.tolist() for rows in validation.plan(BATCH_TOKENS, None)]),
        model=model.model_dump(mode="json"),
        training=training.model_dump(mode="json"),
        runtime=runtime.model_dump(mode="json"),
        vocabulary=tokenizer.target_size,
        pad=PAD,
        unk=UNK,
        bos=BOS,
        eos=EOS,
        warmup=WARMUP,
        updates=updates,
        turns=rounds,
    )


def _encode(corpus: Path, tokenizer: Tokenizer, max_length: int) -> PairedSequences:
    frame = read_corpus(corpus)
    sources, targets = tokenizer.encode_source(list(frame["source"])), tokenizer.encode_target(list(frame["target"]))
    kept = [pair for pair in zip(sources, targets, strict=True) if fits(*pair, max_length)]
    if not kept:
        raise UserError(f"{corpus} has no pairs; run the pipeline there first")
    return PairedSequences.of([src for src, _ in kept], [tgt for _, tgt in kept])


def _listed(pairs: PairedSequences, batches: list[list[int]]) -> Pairs:
    rows = range(len(pairs))
    return Pairs([pairs.src[row].tolist() for row in rows], [pairs.tgt[row].tolist() for row in rows], batches)


def unsorted(pairs: Pairs) -> Pairs:
    """As many batches with as many pairs on average, drawn at random whatever their length."""
    size = round(sum(map(len, pairs.batches)) / len(pairs.batches))

    def draw() -> Iterator[list[int]]:
        for epoch in itertools.count():
            order: list[int] = np.random.default_rng(epoch).permutation(len(pairs.src)).tolist()
            yield from (order[start : start + size] for start in range(0, len(order) - size + 1, size))

    return Pairs(pairs.src, pairs.tgt, list(itertools.islice(draw(), len(pairs.batches))))


def describe(pairs: Pairs) -> dict[str, Any]:
    """Mean real target tokens of a batch, and the share of all its positions that is no padding."""
    target = sum(map(pairs.target_tokens, pairs.batches))
    source = sum(len(pairs.src[row]) for batch in pairs.batches for row in batch)
    positions = sum(
        len(batch) * (max(len(pairs.src[row]) for row in batch) + max(len(pairs.tgt[row]) for row in batch) + 1)
        for batch in pairs.batches
    )
    return {"tokens": target / len(pairs.batches), "real": (source + target) / positions}
