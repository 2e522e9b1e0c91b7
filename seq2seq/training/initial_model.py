"""How a training begins: with fresh weights, with those of a model that was trained, or with what pruning leaves."""

from pathlib import Path

import torch

from seq2seq.bundles.pytorch import fill_weights, load_model, read_shape
from seq2seq.core.errors import UserError
from seq2seq.models.architectures import build_model
from seq2seq.models.encoder_decoder import ArchitectureParams, EncoderDecoder
from seq2seq.models.huggingface import FineTuningParams, Pretrained
from seq2seq.models.pruning import pruned_weights, why_unprunable
from seq2seq.models.transformer import Transformer, TransformerParams
from seq2seq.tokenizers.base import BOS, PAD, Tokenizer


def first_model(
    architecture: str, params: ArchitectureParams, tokenizer: Tokenizer, pretrained: Path | None
) -> EncoderDecoder:
    """The model that a training begins with.

    Args:
        architecture: its name.
        params: the section of params.yaml of that name.
        tokenizer: of its direction.
        pretrained: the bundle to begin with, where the architecture is a pretrained one.

    Raises:
        UserError: there is no such bundle, it holds no pretrained model, its vocabulary is not the tokenizer's, or it
            has too few positions.
    """
    if architecture != Pretrained.architecture:
        return build_model(architecture, params, tokenizer)
    assert isinstance(params, FineTuningParams) and pretrained
    found, shape = read_shape(pretrained)
    if found != architecture:
        raise UserError(f"{pretrained} holds a {found} model, but only a pretrained one is trained further")
    tuned = shape.model_copy(update={"dropout": params.dropout, "max_length": params.max_length})
    model = build_model(architecture, tuned, tokenizer)
    fill_weights(model, pretrained)
    assert isinstance(model, Pretrained)
    _freeze_unused(model)
    if params.lora_rank:
        model.add_low_rank(params.lora_rank, params.lora_alpha, params.lora_dropout)
    return model


def shape_to_continue(start: Path, architecture: str, params: ArchitectureParams) -> tuple[ArchitectureParams, str]:
    """The shape of a model that is trained further, with the dropout of params.yaml; and what has no say there.

    Args:
        start: the bundle to go on from.
        architecture: that params.yaml asks for.
        params: the section of that name.

    Returns:
        The section as the bundle has it, and the values of params.yaml that differ from it, in words.

    Raises:
        UserError: the bundle is of another architecture, or damaged.
    """
    found, shape = read_shape(start)
    if found != architecture:
        raise UserError(f"{start} holds a {found} model; set model.architecture={found} to go on from it")
    if architecture == Pretrained.architecture:
        return params, ""  # that section says how it is trained, not its shape
    wanted, has = (section.model_dump(exclude={"dropout"}) for section in (params, shape))
    differing = [f"{architecture}.{key} {has[key]}, not {wanted[key]}" for key in has if has[key] != wanted[key]]
    overruled = f"its shape is the bundle's: {'; '.join(differing)}" if differing else ""
    return shape.model_copy(update={"dropout": params.dropout}), overruled


def continued_model(architecture: str, params: ArchitectureParams, tokenizer: Tokenizer, start: Path) -> EncoderDecoder:
    """The model of a bundle, to be trained further.

    Raises:
        UserError: the tokenizer is not that of the bundle, or the bundle is damaged.
    """
    if architecture == Pretrained.architecture:
        return first_model(architecture, params, tokenizer, start)
    model = build_model(architecture, params, tokenizer)
    fill_weights(model, start)
    return model


def pruned_model(params: ArchitectureParams, tokenizer: Tokenizer, teacher: Path) -> EncoderDecoder:
    """A Transformer of a smaller shape with the weights that are left of a teacher's.

    Args:
        params: its shape.
        tokenizer: of both.
        teacher: a PyTorch bundle.

    Raises:
        UserError: the teacher is no Transformer, or its shape doesn't hold the smaller one.
    """
    assert isinstance(params, TransformerParams)
    large, _ = load_model(teacher)
    if not isinstance(large, Transformer):
        raise UserError(f"student.start is pruned, but {teacher} holds a {large.architecture} model; set it to fresh")
    if reason := why_unprunable(large.params, params):
        raise UserError(f"student.start is pruned, but {reason}")
    model = build_model(Transformer.architecture, params, tokenizer)
    model.take_weights(pruned_weights(large, params).items())
    return model


def _freeze_unused(model: Pretrained) -> None:
    """Freeze weights that no gradient reaches, such as those of LED's global attention.

    Several processes could not train with them: see ``find_unused_parameters`` of
    https://docs.pytorch.org/docs/stable/generated/torch.nn.parallel.DistributedDataParallel.html.
    """
    tokens = torch.full((1, 2), BOS)
    with torch.enable_grad():
        torch.autograd.backward(model.project(model.eval()(tokens, tokens != PAD, tokens)).sum())
    for weight in model.parameters():
        weight.requires_grad_(weight.grad is not None)
    model.zero_grad(set_to_none=True)
