"""What is left of a Transformer in a smaller shape."""

import torch

from seq2seq.models.pruning import pruned_weights, why_unprunable
from seq2seq.models.transformer import Transformer
from tests.tiny_models import tiny_model


def shaped(large, **changes):
    return large.params.model_copy(update=changes)


def test_the_strongest_units_and_evenly_spread_layers_stay(tokenizer):
    large = tiny_model(tokenizer)
    sizes = tokenizer.source_size, tokenizer.target_size, tokenizer.shared
    deep = Transformer(shaped(large, encoder_layers=5, decoder_layers=3), *sizes).eval()
    dead = torch.arange(large.params.feed_forward) % 2 == 0
    with torch.no_grad():
        for layer in (*deep.encoder, *deep.decoder):
            layer.feed_forward[2].weight[:, dead] = 0  # these units say nothing
        for number in (1, 3):  # and these layers neither
            layer = deep.encoder[number]
            for last in (layer.attention.out, layer.feed_forward[2]):
                last.weight.zero_()
                last.bias.zero_()
        middle = deep.decoder[1]
        for last in (middle.attention.out, middle.cross.out, middle.feed_forward[2]):
            last.weight.zero_()
            last.bias.zero_()
    small = shaped(large, encoder_layers=3, decoder_layers=2, feed_forward=int((~dead).sum()))
    left = Transformer(small, *sizes).eval()
    left.take_weights(pruned_weights(deep, small).items())
    src, tgt = torch.randint(4, sizes[0], (2, 6)), torch.randint(4, sizes[1], (2, 5))
    mask = torch.ones(2, 6, dtype=torch.bool)
    torch.testing.assert_close(left(src, mask, tgt), deep(src, mask, tgt))
    assert {name: one.shape for name, one in left.weights().items()} == {
        name: one.shape for name, one in pruned_weights(deep, small).items()
    }


def test_a_shape_that_is_not_inside_is_told(tokenizer):
    large = tiny_model(tokenizer).params
    assert why_unprunable(large, large) == ""
    wider = large.model_copy(update={"width": 2 * large.width})
    assert "pruning keeps that" in why_unprunable(large, wider)
    deeper = large.model_copy(update={"decoder_layers": 9})
    assert "decoder_layers is 9, more than its teacher's" in why_unprunable(large, deeper)
