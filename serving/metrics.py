"""What Prometheus reads: how much is asked, how fast it is answered, and what the model is fed."""

import re
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from seq2seq.tokenizers.base import SPECIAL_PIECES, UNK
from serving.engine import Engine
from serving.models import Loaded

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
RATIOS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
NATS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
SCORED_EVERY = 50  # sentences: to score one takes a sixth of the time that it takes to translate it
KNOWN, BYTE, UNKNOWN = "known", "byte", "unknown"
_BYTE = re.compile("<0x[0-9A-F]{2}>")  # as SentencePiece spells a character that has no piece


class Metrics:
    """All metrics of one service, in a registry of their own."""

    def __init__(self, engine: Engine) -> None:
        self.registry = CollectorRegistry()
        one: Any = {"registry": self.registry}
        self.requests = Counter("seq2seq_requests", "Requests by route and status", ["route", "status"], **one)
        self.refusals = Counter("seq2seq_refusals", "Requests that were refused, by why", ["kind"], **one)
        self.seconds = Histogram("seq2seq_request_seconds", "Time to answer", ["route"], buckets=SECONDS, **one)
        self.swaps = Counter("seq2seq_swaps", "Times that another version took over", ["model"], **one)
        self.failures = Counter("seq2seq_swap_failures", "Times that a version could not take over", ["model"], **one)
        self.failing = Gauge("seq2seq_swap_failing", "1 while the registry's version can't be served", ["model"], **one)
        self.served = Gauge("seq2seq_model_info", "1 for what answers", ["model", "version", "bundle"], **one)
        self.texts = Counter("seq2seq_texts", "Texts translated", ["model"], **one)
        self.characters = Counter("seq2seq_characters", "Characters translated", ["model"], **one)
        self.words = Histogram("seq2seq_source_words", "Words of a text", ["model"], buckets=WORDS, **one)
        self.ratio = Histogram(
            "seq2seq_length_ratio", "Characters of an output to those of its text", ["model"], buckets=RATIOS, **one
        )
        self.pieces = Counter("seq2seq_source_pieces", "Pieces of texts, by kind", ["model", "kind"], **one)
        self.surprise = Histogram(
            "seq2seq_output_surprise",
            f"Negative log-probability of a piece, in nats, the mean of an output; of each {SCORED_EVERY}th sentence",
            ["model"],
            buckets=NATS,
            **one,
        )
        self.languages = Counter(
            "seq2seq_detected_languages", "Texts whose language was asked for, by what it is", ["language"], **one
        )
        self.flagged = Counter("seq2seq_flagged", "Outputs that look wrong, by why", ["model", "fault"], **one)
        self.shadow = Counter("seq2seq_shadow", "Texts for the shadow too, by outcome", ["outcome"], **one)
        self._kinds: WeakKeyDictionary[Loaded, list[str]] = WeakKeyDictionary()  # of each piece
        self._sentences = 0
        gauges = {
            "seq2seq_queue_characters": ("Characters of source text that wait", lambda: engine.waiting_characters),
            "seq2seq_cache_bytes": ("Memory that the cache of sentences takes", lambda: engine.cache.size),
            "seq2seq_cache_hits": ("Sentences found in the cache", lambda: engine.cache.hits),
            "seq2seq_cache_misses": ("Sentences not found in the cache", lambda: engine.cache.misses),
            "seq2seq_batches": ("Batches translated", lambda: engine.batches),
            "seq2seq_batched_sentences": ("Sentences in them", lambda: engine.batched),
        }
        for name, (what, value) in gauges.items():
            Gauge(name, what, **one).set_function(value)

    def serves(self, model: Loaded, before: Loaded | None = None) -> None:
        """Another version answers."""
        if before is not None:
            self.served.remove(before.version.name, before.version.version, before.digest)
            self.swaps.labels(model.version.name).inc()
        self.served.labels(model.version.name, model.version.version, model.digest).set(1)
        self.failing.labels(model.version.name).set(0)

    def translated(self, model: Loaded, texts: list[str], outputs: list[str]) -> None:
        """Texts were translated."""
        name = model.version.name
        self.texts.labels(name).inc(len(texts))
        self.characters.labels(name).inc(sum(map(len, texts)))
        for kind, count in self._count_pieces(model, texts).items():
            self.pieces.labels(name, kind).inc(count)
        for text, output in zip(texts, outputs, strict=True):
            self.words.labels(name).observe(len(text.split()))
            for fault in model.translator.faults(text, output):
                self.flagged.labels(name, fault).inc()
            if text:
                self.ratio.labels(name).observe(len(output) / len(text))

    def sample(self, sentences: int) -> range:
        """Which of so many sentences that were translated now are to be scored: of all that ever were each 50th."""
        places = range(-self._sentences % SCORED_EVERY, sentences, SCORED_EVERY)
        self._sentences += sentences
        return places

    def score(self, model: Loaded, sentences: list[str], outputs: list[str]) -> None:
        """Score outputs with the model that made them; takes its time."""
        for log_probs in model.translator.score(sentences, outputs):
            self.surprise.labels(model.version.name).observe(-sum(log_probs) / len(log_probs))

    def _count_pieces(self, model: Loaded, texts: Sequence[str]) -> Tally[str]:
        tokenizer = model.translator.tokenizer
        if (kinds := self._kinds.get(model)) is None:
            kinds = self._kinds[model] = [_kind(piece) for piece in tokenizer.source_pieces]
        return Tally(kinds[piece] for pieces in tokenizer.encode_source(list(texts)) for piece in pieces)


def _kind(piece: str) -> str:
    if piece == SPECIAL_PIECES[UNK]:
        return UNKNOWN
    return BYTE if _BYTE.fullmatch(piece) else KNOWN
