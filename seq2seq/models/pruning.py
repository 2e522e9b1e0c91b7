"""A smaller Transformer from a larger one's weights: whole layers and feed-forward units are left out.

Layers that stay are spread evenly, the first and the last among them, as in Shleifer and Rush 2020, "Pre-trained
Summarization Distillation", https://arxiv.org/abs/2010.13002. Units that stay are those with the largest product of the
norms of their weights, in and out (Li et al. 2017, https://arxiv.org/abs/1608.08710). What is left has to be trained
further: by itself it says little. Shapes: D model width, F feed-forward size.
"""

import re

import torch
from torch import Tensor

from seq2seq.models.transformer import Transformer, TransformerParams

_IN_LAYER = re.compile(r"(encoder|decoder)\.(\d+)\.(.+)")
SAME = ("width", "heads", "norm", "activation", "positions", "max_length")
SMALLER = ("encoder_layers", "decoder_layers", "feed_forward")


def why_unprunable(large: TransformerParams, small: TransformerParams) -> str:
    """Why a model of the shape ``small`` can't be made of one of the shape ``large``, in words; empty where it can."""
    for name in SAME:
        if (ours := getattr(small, name)) != (theirs := getattr(large, name)):
            return f"its {name} is {ours} and its teacher's {theirs}, and pruning keeps that"
    for name in SMALLER:
        if (ours := getattr(small, name)) > (theirs := getattr(large, name)):
            return f"its {name} is {ours}, more than its teacher's {theirs}"
    return ""


def pruned_weights(model: Transformer, small: TransformerParams) -> dict[str, Tensor]:
    """The weights of a model of the shape ``small`` that are left of ``model``, by name."""
    assert not why_unprunable(model.params, small)
    weights = model.weights()
    kept = {
        "encoder": _spread(model.params.encoder_layers, small.encoder_layers),
        "decoder": _spread(model.params.decoder_layers, small.decoder_layers),
    }
    left = {name: weight for name, weight in weights.items() if not _IN_LAYER.fullmatch(name)}
    for side, layers in kept.items():
        for number, layer in enumerate(layers):
            prefix = f"{side}.{layer}."
            units = _strongest(weights, f"{prefix}feed_forward.", small.feed_forward)
            for name, weight in weights.items():
                if name.startswith(prefix):
                    rest = name.removeprefix(prefix)
                    left[f"{side}.{number}.{rest}"] = _of_units(rest, weight, units)
    return left


def _spread(layers: int, count: int) -> list[int]:
    """``count`` of the layers, evenly spread."""
    return [round(place) for place in torch.linspace(0, layers - 1, count).tolist()]


def _strongest(weights: dict[str, Tensor], prefix: str, count: int) -> Tensor:
    """The places of ``count`` units in F, in their order."""
    into, out = weights[f"{prefix}0.weight"], weights[f"{prefix}2.weight"]  # [F, D] and [D, F]
    strength = into.norm(dim=1) * out.norm(dim=0)
    places: Tensor = strength.argsort(descending=True, stable=True)[:count].sort().values
    return places


def _of_units(name: str, weight: Tensor, units: Tensor) -> Tensor:
    """The part of a layer's weight that belongs to some units; all of it where it has none."""
    if name in ("feed_forward.0.weight", "feed_forward.0.bias"):
        return weight[units]
    return weight[:, units] if name == "feed_forward.2.weight" else weight
