"""Pretrained models of Hugging Face as bundles of ours: read, renumbered, and checked against the original.

An encoder alone becomes both sides of a model, whose attention to the source is new (Rothe et al. 2020,
https://arxiv.org/abs/1907.12461). Weights are read from safetensors, never from pickles; code that comes with a model
is not run.
"""

import copy
import inspect
import re
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.core.files import write_json
from seq2seq.models.huggingface import Pretrained, PretrainedParams, count_positions, drop_unused, take_head
from seq2seq.pretrained.hub import CONFIG, WAYS_OUT
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.base import BOS, PAD, SPECIAL_PIECES
from seq2seq.tokenizers.huggingface import FACTS, Facts, Numbering, PretrainedTokenizer

# parts of a configuration that don't describe the shape, or that name places and versions
IRRELEVANT = {"_name_or_path", "architectures", "auto_map", "dtype", "id2label", "label2id", "task_specific_params"}
IRRELEVANT |= {"torch_dtype", "transformers_version"}
# what a damaged file or an untried architecture raises
FAULTS = (OSError, ValueError, LookupError, RuntimeError, AttributeError, TypeError, ImportError, SafetensorError)


def adopt_model(folder: Path, seed: int, languages: LanguagesParams, origin: dict[str, str], out: Path) -> Pretrained:
    """Write the bundle ``out`` of the model in a folder, and return the model.

    Args:
        folder: what :func:`seq2seq.pretrained.hub.find_model` returned.
        seed: of weights that an encoder alone lacks.
        languages: kept in the bundle.
        origin: SHA-256 of the data, params and code, kept in the bundle.
        out: the bundle.

    Raises:
        UserError: the model is of a kind unknown here, or its parts are damaged or don't belong together.
    """
    from transformers import AutoConfig, AutoTokenizer  # noqa: PLC0415 - takes seconds
    from transformers.utils import logging  # noqa: PLC0415

    logging.set_verbosity_error()  # its warning of missing weights is an error here
    logging.disable_progress_bar()
    with _told(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        theirs = _read_model(folder, config, seed).eval()
        facts = _facts(folder, theirs, tokenizer)
    head = theirs.get_output_embeddings()
    target = theirs.get_decoder().get_input_embeddings()
    params = PretrainedParams(
        config=_plain(theirs.config.to_dict()),
        tied=head.weight is target.weight,
        numbering=Numbering(special=facts.special, size=facts.size),
        dropout=0.0,
        max_length=count_positions(theirs),
    )
    pieces = len(facts.theirs())
    ours = Pretrained(params, pieces, pieces, shared=True).eval()
    _move_weights(folder, theirs, ours)
    save_model(out, ours, _renumbered(tokenizer, facts), languages, origin, task="pretraining")
    return ours


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Report in one line that a model can't be read or used."""
    try:
        yield
    except FAULTS as error:
        reason = textwrap.shorten(str(error) or type(error).__name__, 200)
        raise UserError(f"{folder} can't be used as a pretrained model ({reason}); mend it, or {WAYS_OUT}") from None


def _read_model(folder: Path, config: Any, seed: int) -> Any:
    """The model of a folder, with all its weights."""
    from transformers.models.auto import modeling_auto as kinds  # noqa: PLC0415 - as above

    kind = type(config)
    if kind in kinds.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        return _read(kinds.AutoModelForSeq2SeqLM, folder, config, may_lack="^$")
    decoders = kinds.MODEL_FOR_CAUSAL_LM_MAPPING
    if (
        kind in kinds.MODEL_FOR_MASKED_LM_MAPPING
        and kind in decoders
        and "encoder_hidden_states" in inspect.signature(decoders[kind].forward).parameters
    ):
        return _pair(folder, config, seed)
    raise UserError(
        f"{folder} holds a {config.model_type}, which is neither an encoder-decoder (T5, BART, Marian, ...) nor an "
        f"encoder like BERT; {WAYS_OUT}"
    )


def _pair(folder: Path, config: Any, seed: int) -> Any:
    """An encoder as both sides of a model: its attention to the source, and a head that it lacks, are drawn."""
    from transformers import AutoModel, AutoModelForCausalLM, EncoderDecoderModel  # noqa: PLC0415 - as above

    reading, writing = copy.deepcopy(config), copy.deepcopy(config)
    reading.is_decoder = reading.add_cross_attention = False
    writing.is_decoder = writing.add_cross_attention = True
    torch.manual_seed(seed)
    encoder = _read(AutoModel, folder, reading, may_lack=r"^pooler\.")
    body = f"{encoder.base_model_prefix}."
    decoder = _read(AutoModelForCausalLM, folder, writing, may_lack=rf"\.crossattention\.|^(?!{re.escape(body)})")
    return EncoderDecoderModel(encoder=encoder, decoder=decoder)


def _read(kind: Any, folder: Path, config: Any, may_lack: str) -> Any:
    model, found = kind.from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    if missing := sorted(name for name in found["missing_keys"] if not re.search(may_lack, name)):
        raise UserError(
            f"{folder}: the weights are not those of the {config.model_type} that {CONFIG} describes: "
            f"{missing[0]} is missing"
        )
    return model


def _facts(folder: Path, model: Any, tokenizer: Any) -> Facts:
    """How the pieces of a model are numbered, and what stands before its texts."""
    if hasattr(tokenizer, "src_lang"):  # NLLB, mBART, M2M100
        raise UserError(f"{folder}: its tokenizer must be told the languages, which is not supported; {WAYS_OUT}")
    pad, unk = tokenizer.pad_token_id, tokenizer.unk_token_id
    end = tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    first = [model.generation_config.decoder_start_token_id, getattr(model.config, "decoder_start_token_id", None)]
    first += [tokenizer.cls_token_id, tokenizer.bos_token_id]
    start: Any = next((piece for piece in first if piece is not None), None)
    source, target = tokenizer(text="")["input_ids"], tokenizer(text_target="")["input_ids"]
    if None in (pad, unk, start, end) or source[-1:] != [end] or target[-1:] != [end]:
        raise UserError(f"{folder}: the tokenizer lacks a piece for padding, unknown text, or the first or last place")
    source, target = source[:-1], target[:-1]
    rows = {part.get_input_embeddings().num_embeddings for part in (model.get_encoder(), model.get_decoder())}
    size = max(tokenizer.get_vocab().values()) + 1
    if len(rows) > 1 or getattr(tokenizer, "separate_vocabs", False):
        raise UserError(f"{folder}: source and target have vocabularies of their own, which is not known here")
    if size > min(rows):
        raise UserError(f"{folder}: weights for {min(rows)} pieces and a tokenizer of {size} don't belong together")
    spare = [piece for piece in tokenizer.all_special_ids if piece not in {pad, unk, start, end, *source, *target}]
    tag = tokenizer.mask_token_id if tokenizer.mask_token_id is not None else [unk, *spare][-1]
    return Facts(
        special=[pad, unk, start, end, tag],
        size=size,
        source_start=source,
        target_start=target[target[:1] == [start] :],  # BERT's [CLS] is BOS already
        prefix="",
        reversed=False,
    )


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without what names places and versions."""
    kept = {key: value for key, value in sorted(config.items()) if key not in IRRELEVANT}
    return {key: _plain(value) if isinstance(value, dict) else value for key, value in kept.items()}


def _renumbered(tokenizer: Any, facts: Facts) -> PretrainedTokenizer:
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        write_json(Path(folder) / FACTS, facts.model_dump(mode="json"))
        return PretrainedTokenizer.read(Path(folder))


@torch.no_grad()
def _move_weights(folder: Path, theirs: Any, ours: Pretrained) -> None:
    """Copy weights into our model, and check that it computes the same, at once and step by step."""
    draw = torch.Generator().manual_seed(0)
    src, tgt = (torch.randint(len(SPECIAL_PIECES), len(ours.theirs), (2, size), generator=draw) for size in (9, 6))
    src[1, 6:] = PAD
    tgt[:, 0] = BOS
    mask = src != PAD
    with _told(folder):
        expected = theirs(
            input_ids=ours.theirs[src],
            attention_mask=mask.long(),
            decoder_input_ids=ours.theirs[tgt],
            use_cache=False,
        ).logits[..., ours.theirs]
        drop_unused(theirs)
        weight, bias = take_head(theirs)
        ours.body.load_state_dict(theirs.state_dict())
        ours.head_weight.copy_(weight)
        if ours.head_bias is not None and bias is not None:
            ours.head_bias.copy_(bias)
        at_once, stepped = ours.project(ours(src, mask, tgt)), _step_by_step(ours, src, mask, tgt)
    for found in (at_once, stepped):
        if not torch.allclose(found, expected + ours.never, rtol=0, atol=1e-3 * float(expected.abs().max())):
            raise UserError(
                f"{folder}: a {theirs.config.model_type} computes its outputs in a way that is not known here; "
                f"{WAYS_OUT}"
            )


def _step_by_step(model: Pretrained, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
    state = model.start(src, mask)
    logits = []
    for column in tgt.unbind(1):
        found, state = model.step(column, state)
        logits.append(found)
    return torch.stack(logits, dim=1)
