"""Tiny models of Hugging Face with random weights and real tokenizers, as a user would have them in a folder."""

import atexit
import io
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import sentencepiece
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BartTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    T5Config,
    T5ForConditionalGeneration,
    T5Tokenizer,
)

from seq2seq.pretrained.adopt import adopt_model
from seq2seq.pretrained.hub import find_model
from tests.tiny_models import LANGUAGES, tiny_corpus

BART_LIKE = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 128,
}


def _lines():
    corpus = tiny_corpus()
    return [*corpus["source"], *corpus["target"]]


def _save(folder, model, tokenizer):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_t5(folder: Path, **changes) -> Path:
    """A T5 with a unigram vocabulary and two sentinels."""
    tokenizer = T5Tokenizer(extra_ids=2).train_new_from_iterator(_lines(), 90)
    shape = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    config = T5Config(vocab_size=len(tokenizer) + 6, decoder_start_token_id=tokenizer.pad_token_id, **shape | changes)
    config.pad_token_id, config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    torch.manual_seed(1)
    return _save(folder, T5ForConditionalGeneration(config), tokenizer)


def tiny_bart(folder: Path) -> Path:
    """A BART with byte-level BPE, an output bias, and <s> as the forced first piece of each target."""
    tokenizer = BartTokenizer().train_new_from_iterator(_lines(), 320)
    config = BartConfig(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_bos_token_id=tokenizer.bos_token_id,
        forced_eos_token_id=tokenizer.eos_token_id,
        **BART_LIKE,
    )
    torch.manual_seed(1)
    model = BartForConditionalGeneration(config)
    model.final_logits_bias.normal_()
    return _save(folder, model, tokenizer)


def tiny_marian(folder: Path) -> Path:
    """A Marian whose languages are cut by models of their own and share a vocabulary."""
    folder.mkdir(parents=True)
    corpus = tiny_corpus()
    pieces = ["</s>", "<unk>"]
    for side in ("source", "target"):
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus[side]),
            model_writer=model,
            vocab_size=50,
            hard_vocab_limit=False,
            minloglevel=4,
        )
        (folder / f"{side}.spm").write_bytes(model.getvalue())
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        pieces += [processor.id_to_piece(one) for one in range(3, processor.get_piece_size())]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys([*pieces, "<pad>"]))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = MarianTokenizer(
        source_spm=str(folder / "source.spm"), target_spm=str(folder / "target.spm"), vocab=str(folder / "vocab.json")
    )
    config = MarianConfig(
        vocab_size=len(tokenizer),
        decoder_vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=tokenizer.eos_token_id,
        scale_embedding=True,
        **BART_LIKE,
    )
    torch.manual_seed(1)
    model = MarianMTModel(config)
    model.final_logits_bias.normal_()
    return _save(folder, model, tokenizer)


def tiny_bert(folder: Path) -> Path:
    """A BERT: an encoder with a head for masked words."""
    tokenizer = BertTokenizer(do_lower_case=False).train_new_from_iterator(_lines(), 120)
    config = BertConfig(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    torch.manual_seed(1)
    return _save(folder, BertForMaskedLM(config), tokenizer)


KINDS = {"t5": tiny_t5, "bart": tiny_bart, "marian": tiny_marian, "bert2bert": tiny_bert}


def adopt(folder: Path, out: Path, seed: int = 1) -> Path:
    """The bundle of a model in a folder."""
    adopt_model(find_model(str(folder), "main"), seed, LANGUAGES, {}, out)
    return out


@cache
def bundle_of(kind: str) -> Path:
    """The bundle of a tiny model, made once for all tests and removed when they end."""
    folder = Path(tempfile.mkdtemp(prefix="pretrained-"))
    atexit.register(shutil.rmtree, folder)
    return adopt(KINDS[kind](folder / kind), folder / "bundle")
