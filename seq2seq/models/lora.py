"""LoRA: a frozen model learns low-rank updates of its matrices (Hu et al. 2021, https://arxiv.org/abs/2106.09685).

All linear maps get one, as in Dettmers et al. 2023, https://arxiv.org/abs/2305.14314. The layers are those of peft.
The attention to the source, which an encoder lacks as a decoder, is new; all its weights are trained.
"""

from collections.abc import Iterator

from torch import Tensor, nn

ADAPTER = "default"  # peft's name of the updates
BASE = ".base_layer"  # where peft puts a layer that it wraps
NEW = ".crossattention."  # the attention to the source of BERT and its like as decoders


def add_low_rank(model: nn.Module, rank: int, alpha: float, dropout: float) -> None:
    """Freeze what a model has learned before, and give each of its linear maps a trainable update, at first zero.

    Args:
        model: anything with linear layers.
        rank: of the updates.
        alpha: an update is scaled by alpha / rank.
        dropout: probability that an input of an update is switched off in training.
    """
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - takes seconds, and few trainings need it

    names = [name for name, module in model.named_modules() if type(module) is nn.Linear and NEW not in name]
    model.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names)
    inject_adapter_in_model(config, model, ADAPTER)
    for name, weight in model.named_parameters():
        if NEW in name:
            weight.requires_grad_(True)


def _wrapped(model: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, module) for name, module in model.named_modules() if hasattr(module, "base_layer")]


def merged_weights(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The parameters of a model as if it had no updates, each matrix with its own added."""
    updates = {f"{name}{BASE}.weight": module for name, module in _wrapped(model)}
    for name, weight in model.named_parameters():
        if name in updates:
            yield name.replace(f"{BASE}.", "."), weight + updates[name].get_delta_weight(ADAPTER)  # type: ignore[operator]
        elif ".lora_" not in name:
            yield name.replace(f"{BASE}.", "."), weight


def remove_low_rank(model: nn.Module) -> None:
    """Take the updates off and leave the matrices as they were before."""
    for name, module in _wrapped(model):
        parent, _, child = name.rpartition(".")
        base = module.base_layer
        assert isinstance(base, nn.Module)
        setattr(model.get_submodule(parent), child, base)
