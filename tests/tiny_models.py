"""A tiny corpus, tokenizer and models, shared by tests."""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.inference.translator import Translator
from seq2seq.models.batches import PairedSequences
from seq2seq.models.recurrent import RecurrentParams
from seq2seq.models.transformer import Transformer, TransformerParams
from seq2seq.text.corpus import pairs
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.base import Tokenizer
from seq2seq.tokenizers.sentencepiece import TokenizerParams, train_tokenizer
from seq2seq.training.params import TrainingParams

LANGUAGES = LanguagesParams(source="en", target="de")
ORIGIN = {"data": "a", "params": "b", "code": "c"}
RUNTIME = RuntimeParams(device="cpu", precision="float32", threads=1)
DECODING = DecodingParams(
    beam_size=3,
    patience=2.0,
    length_penalty=1.0,
    min_length=0,
    no_repeat_ngram=0,
    max_length_factor=2.0,
    batch_size=4,
)
CLEANING = CleaningParams(
    max_words=20,
    max_length_ratio=3.0,
    drop_identical=True,
    repair=False,
    drop_broken=False,
    max_word_characters=0,
    min_script_percent=0,
    max_copied_percent=0,
    max_repeats=0,
    identify_from=0,
    match_numbers=False,
    match_links=False,
    match_placeholders=False,
    drop_markup=False,
    check_languages=False,
    near_duplicate_similarity=0,
    scorers=[],
    drop_held_out=True,
    drop_held_out_targets=True,
    held_out_loosely=False,
    held_out_containment=0,
    held_out_percent=5.0,
    held_out_at_most=1000,
    workers=1,
    corpora={},
)
SMALL = TransformerParams(
    encoder_layers=2,
    decoder_layers=2,
    width=32,
    heads=2,
    feed_forward=64,
    norm="pre",
    activation="relu",
    positions="sinusoidal",
    dropout=0.1,
    max_length=64,
)
RECURRENT = RecurrentParams(
    cell="gru",
    attention="general",
    input_feeding=False,
    bidirectional=True,
    residual=True,
    encoder_layers=2,
    decoder_layers=2,
    width=32,
    dropout=0.1,
    max_length=64,
)
TRAINING = TrainingParams(
    max_updates=24,
    max_epochs=100,
    batch_tokens=200,
    subword_sampling=0.0,
    accumulate=1,
    launch="python",
    schedule="inverse_sqrt",
    r_drop=0.0,
    adversarial=0.0,
    lr=3e-3,
    warmup_updates=8,
    label_smoothing=0.1,
    adam_beta2=0.98,
    weight_decay=0.01,
    clip_norm=1.0,
    ema=0.0,
    validate_every=5,
    early_stopping_metric="loss",
    patience=50,
    average_checkpoints=2,
    compile=False,
    seed=3,
)
SUBJECTS = [("the cat", "die Katze"), ("a dog", "ein Hund"), ("my aunt", "meine Tante"), ("the king", "der König")]
VERBS = [("sees", "sieht"), ("paints", "malt"), ("loses", "verliert")]
OBJECTS = [("three apples", "drei Äpfel"), ("the sea", "das Meer"), ("12 books", "12 Bücher")]


def tiny_corpus() -> pd.DataFrame:
    """36 short sentence pairs."""
    triples = [(s, v, o) for s in SUBJECTS for v in VERBS for o in OBJECTS]
    sources = [f"{s[0]} {v[0]} {o[0]} ." for s, v, o in triples]
    targets = [f"{s[1]} {v[1]} {o[1]} ." for s, v, o in triples]
    return pairs(sources, targets, "tiny")


def tiny_tokenizer(folder: Path, vocabulary: str = "joint", algorithm: str = "unigram") -> Tokenizer:
    """A tokenizer of the tiny corpus."""
    corpus = tiny_corpus()
    params = TokenizerParams(
        algorithm=algorithm, vocabulary=vocabulary, vocabulary_size=90, byte_fallback=False, split_digits=True
    )
    return train_tokenizer(corpus["source"], corpus["target"], params, 1, folder)


def tiny_pairs(tokenizer: Tokenizer) -> PairedSequences:
    """The tiny corpus in pieces."""
    corpus = tiny_corpus()
    src, tgt = tokenizer.encode_source(list(corpus["source"])), tokenizer.encode_target(list(corpus["target"]))
    return PairedSequences.of(src, tgt)


def tiny_model(tokenizer: Tokenizer, dropout: float = SMALL.dropout, seed: int = 1) -> Transformer:
    """A model with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    params = SMALL.model_copy(update={"dropout": dropout})
    return Transformer(params, tokenizer.source_size, tokenizer.target_size, tokenizer.shared).eval()


def tiny_log_probs(translator: Translator) -> Tensor:
    """Log-probabilities of all pieces of the tiny corpus's targets."""
    corpus = tiny_corpus()
    rows = translator.score(corpus["source"].tolist(), corpus["target"].tolist())
    return torch.cat([torch.tensor(row) for row in rows])
