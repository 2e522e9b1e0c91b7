"""Hugging Face's encoder-decoders behind our protocol: T5, BART, Marian and the like, and BERT-to-BERT.

Raffel et al. 2020, https://arxiv.org/abs/1910.10683; Lewis et al. 2020, https://arxiv.org/abs/1910.13461; Rothe et al.
2020, https://arxiv.org/abs/1907.12461 (two copies of an encoder, one of which becomes a decoder). The library's model
computes hidden states with its own ids; its output projection is taken off and applied here, to our pieces alone.

Shapes: B batch, S source length, T target length, D model width, H heads, V our vocabulary, U the library's.
Masks: True is a real token.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from seq2seq.core.errors import UserError
from seq2seq.models.encoder_decoder import ArchitectureParams, EncoderDecoder
from seq2seq.models.lora import add_low_rank, merged_weights, remove_low_rank
from seq2seq.models.protocol import State
from seq2seq.tokenizers.base import BOS
from seq2seq.tokenizers.huggingface import Numbering

Layers = list[tuple[Tensor, Tensor]]  # keys and values [B, H, T or S, D / H] of each decoder layer

NEVER = -100.0  # added to the logits of pieces that are never produced; finite, for the sake of label smoothing
DROPOUTS = ("dropout", "dropout_rate", "hidden_dropout_prob", "attention_dropout", "attention_probs_dropout_prob")
UNLIMITED = 4096  # as many positions as max_length may ask for
LAYER_DROPOUTS = ("layerdrop", "encoder_layerdrop", "decoder_layerdrop")  # a layer left out would get no gradient


class PretrainedParams(ArchitectureParams):
    """A pretrained model as a bundle describes it."""

    config: dict[str, Any] = Field(description="Hugging Face's configuration of the model.")
    tied: bool = Field(description="Takes the target embeddings as the output projection.")
    numbering: Numbering = Field(description="Says which of its pieces are ours.")


class FineTuningParams(ArchitectureParams):
    """Which pretrained model is trained further, and how."""

    model: str = Field(description="Trains this model further: a folder, or a name on huggingface.co.")
    revision: str = Field(
        min_length=1,
        description="Fetches this branch, tag or commit of a name; for a folder, another word has it read again.",
    )
    prefix: str = Field(description="Puts this text before every source, such as the name of the task for T5.")
    lora_rank: int = Field(
        ge=0, le=1024, description="Above 0, trains updates of this rank alone, in place of the weights."
    )
    lora_alpha: float = Field(gt=0, description="Scales the updates by lora_alpha / lora_rank.")
    lora_dropout: float = Field(
        ge=0, le=0.9, description="Switches inputs of an update off in training with this probability."
    )
    seed: int = Field(
        ge=0, lt=2**63, description="Another seed draws other weights for what an encoder lacks to be a decoder."
    )


class Pretrained(EncoderDecoder):
    """A model of Hugging Face.

    Its output bias, and what keeps PAD, BOS and BT from being produced, are one more column of ``output_weight``;
    hidden states have a one there.
    """

    architecture = "pretrained"
    Params = PretrainedParams
    params: PretrainedParams
    body: Any  # the library's model without its output projection
    theirs: Tensor  # [V] the library's id of each piece
    never: Tensor  # [V] what is added to each logit

    def __init__(self, params: PretrainedParams, source_size: int, target_size: int, shared: bool) -> None:
        """Make a model with fresh weights; see :class:`EncoderDecoder` for the sizes.

        Raises:
            UserError: the vocabulary has another size than the model's, or max_length is more than its positions.
        """
        super().__init__(params, source_size, target_size, shared)
        theirs = params.numbering.theirs()
        if not len(theirs) == source_size == target_size:
            raise UserError(
                f"weights and tokenizer don't belong together: the model has {len(theirs)} pieces, "
                f"the tokenizer {target_size}; make both again"
            )
        never = torch.zeros(len(theirs))
        never[params.numbering.never_produced()] = NEVER
        self.register_buffer("theirs", torch.tensor(theirs), persistent=False)
        self.register_buffer("never", never, persistent=False)
        self.body = make_body(params.config, params.dropout)
        weight, self.head_bias = take_head(self.body)  # [U, D], [U]
        self.head_weight = weight if params.tied else nn.Parameter(weight.detach().clone())
        if params.max_length > (limit := count_positions(self.body)):
            raise UserError(
                f"params.yaml: pretrained.max_length is {params.max_length}, but the model has {limit} positions"
            )

    def forward(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
        """Hidden states [B, T, D + 1] for source [B, S], its mask [B, S] and target [B, T] (teacher forcing)."""
        return _with_one(self._outputs(src, mask, tgt, use_cache=False).logits)

    def start(self, src: Tensor, mask: Tensor) -> State:
        """Encode a batch, [B, S], and return the state before the first target piece."""
        memory = self.body.get_encoder()(input_ids=self.theirs[src], attention_mask=mask.long())[0]  # [B, S, D]
        first = torch.full_like(src[:, :1], BOS)  # read only so that keys and values of the source are made
        own, cross = self._advance(first, mask, memory, [], [])[1:]
        moving = {name: tensor[:, :, :0] for name, tensor in _flatten(own).items()}  # [B, H, 0, D / H]
        return State({"memory": memory, "mask": mask} | _flatten(cross), moving)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits [B, V] of the piece after ``tokens`` [B], and the state that includes them."""
        fixed = state.fixed
        layers = len(state.moving) // 2
        past, source = (_unflatten(tensors, layers) for tensors in (state.moving, fixed))
        hidden, own, _ = self._advance(tokens.unsqueeze(1), fixed["mask"], fixed["memory"], past, source)
        return self.project(hidden).squeeze(1), State(fixed, _flatten(own))

    def _advance(
        self, tgt: Tensor, mask: Tensor, memory: Tensor, past: Layers, source: Layers
    ) -> tuple[Tensor, Layers, Layers]:
        """Hidden states of new pieces [B, T], and the keys and values of all pieces so far and of the source."""
        from transformers import EncoderDecoderCache  # noqa: PLC0415 - takes a second, the first time
        from transformers.modeling_outputs import BaseModelOutput  # noqa: PLC0415 - as above

        cache = EncoderDecoderCache(_cache(past), _cache(source))
        read = BaseModelOutput(last_hidden_state=memory)
        outputs = self._outputs(None, mask, tgt, encoder_outputs=read, past_key_values=cache, use_cache=True)
        own, cross = cache.self_attention_cache.layers, cache.cross_attention_cache.layers
        return (
            _with_one(outputs.logits),
            [(one.keys, one.values) for one in own],
            [(one.keys, one.values) for one in cross],
        )

    def _outputs(self, src: Tensor | None, mask: Tensor, tgt: Tensor, **options: Any) -> Any:
        """What the library's model gives; its ``logits`` are hidden states, as it has no output projection."""
        return self.body(
            input_ids=None if src is None else self.theirs[src],
            attention_mask=mask.long(),
            decoder_input_ids=self.theirs[tgt],
            **options,
        )

    @property
    def output_weight(self) -> Tensor:
        """The output projection [V, D + 1], its last column the bias."""
        bias = self.never if self.head_bias is None else self.never + self.head_bias[self.theirs]
        return torch.cat([self.head_weight[self.theirs], bias.unsqueeze(1)], dim=1)

    def project(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of hidden states [..., D + 1]."""
        # as with output_weight, whose rows search would gather anew at each step
        return F.linear(hidden[..., :-1], self.head_weight, self.head_bias)[..., self.theirs] + self.never

    def attention(self, src: Tensor, mask: Tensor, tgt: Tensor) -> Tensor:
        """Attention [B, T, S] of the last decoder layer to the source, mean over its heads."""
        fast = self.body.config._attn_implementation
        self.body.set_attn_implementation("eager")  # the fast one keeps no weights
        try:
            outputs = self._outputs(src, mask, tgt, use_cache=False, output_attentions=True)
        finally:
            self.body.set_attn_implementation(fast)
        last: Tensor = outputs.cross_attentions[-1]  # [B, H, T, S]
        return last.mean(1)

    def embeddings(self) -> list[Tensor]:
        """The matrices that pieces are embedded by, each once.

        Raises:
            UserError: they are frozen.
        """
        sides = (self.body.get_encoder(), self.body.get_decoder())
        found = {id(one): one for one in (side.get_input_embeddings().weight for side in sides)}
        if not all(weight.requires_grad for weight in found.values()):
            raise UserError(
                "params.yaml: train.adversarial shifts embeddings along their gradients, which LoRA's have not; "
                "set it or pretrained.lora_rank to 0"
            )
        return list(found.values())

    def add_low_rank(self, rank: int, alpha: float, dropout: float) -> None:
        """Freeze the model and let it learn by low-rank updates; see :mod:`seq2seq.models.lora`."""
        self.requires_grad_(False)
        add_low_rank(self.body, rank, alpha, dropout)

    def weights(self) -> dict[str, Tensor]:
        """The parameters on the CPU, each tied one once, low-rank updates added to what they update."""
        return {name: weight.detach().cpu().contiguous() for name, weight in merged_weights(self)}

    def take_weights(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Copy parameters that are named as in :meth:`weights` into this model's, which loses low-rank updates."""
        remove_low_rank(self.body)
        super().take_weights(weights)


def _with_one(hidden: Tensor) -> Tensor:
    """[..., D] to [..., D + 1]: the one is what the bias is multiplied by."""
    return F.pad(hidden, (0, 1), value=1.0)


def make_body(config: dict[str, Any], dropout: float) -> Any:
    """Make a model of Hugging Face from its configuration, with fresh weights."""
    from transformers import AutoConfig, AutoModelForSeq2SeqLM  # noqa: PLC0415 - takes seconds

    body = AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(**_with_dropout(config, dropout)))
    drop_unused(body)
    return body


def _with_dropout(config: dict[str, Any], dropout: float) -> dict[str, Any]:
    """A configuration whose dropouts are this one; layers are never left out, since they would get no gradient."""
    changed = {key: dropout if key in DROPOUTS else 0.0 if key in LAYER_DROPOUTS else config[key] for key in config}
    return {key: _with_dropout(value, dropout) if isinstance(value, dict) else value for key, value in changed.items()}


def drop_unused(body: Any) -> None:
    """Take off what an encoder alone would be used for."""
    if getattr(body.get_encoder(), "pooler", None) is not None:
        body.get_encoder().pooler = None


class _NoHead(nn.Module):
    """Hands on the hidden states in place of an output projection."""

    bias = None

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden


def take_head(body: Any) -> tuple[nn.Parameter, nn.Parameter | None]:
    """Take the output projection off a model, and return its weight [U, D] and its bias [U], if it has one."""
    head = body.get_output_embeddings()
    bias = head.bias
    fixed = getattr(body, "final_logits_bias", None)
    if fixed is not None:  # BART's: not trained, and added behind the head
        bias = nn.Parameter(fixed.detach().squeeze(0).clone(), requires_grad=False)
        body.final_logits_bias = torch.zeros(1, 1)
    body.set_output_embeddings(_NoHead())
    return head.weight, bias


def count_positions(body: Any) -> int:
    """How long a sequence may be; positions that are relative have no end."""
    names = ("max_position_embeddings", "max_encoder_position_embeddings", "max_decoder_position_embeddings")
    limits = [UNLIMITED]
    for part in (body.get_encoder(), body.get_decoder()):
        limits += [getattr(part.config, name) for name in names if hasattr(part.config, name)]
        for name, module in part.named_modules():
            if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
                limits.append(module.num_embeddings - module.padding_idx - 1)  # RoBERTa counts from behind it
    return min(limits)


def _cache(layers: Layers) -> Any:
    """Keys and values as the library keeps them."""
    from transformers.cache_utils import DynamicCache, DynamicLayer  # noqa: PLC0415 - as above

    cache = DynamicCache()
    for keys, values in layers:
        layer = DynamicLayer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values  # as they are; update() would copy them
        cache.layers.append(layer)
    return cache


def _flatten(layers: Layers) -> dict[str, Tensor]:
    """Keys and values of all layers by name, as a state holds them."""
    pairs = enumerate(layers)
    return {f"{kind}{number}": one for number, pair in pairs for kind, one in zip("kv", pair, strict=True)}


def _unflatten(tensors: dict[str, Tensor], layers: int) -> Layers:
    return [(tensors[f"k{number}"], tensors[f"v{number}"]) for number in range(layers)]
