import pytest
import torch

from seq2seq.models.transformer import sinusoids
from tests.tiny_models import tiny_model, tiny_pairs, tiny_tokenizer


@pytest.fixture
def model(tokenizer):
    return tiny_model(tokenizer)


@pytest.fixture
def batch(tokenizer):
    pairs = tiny_pairs(tokenizer)
    return pairs.batch(pairs.plan(300, None)[-1])


def test_a_joint_vocabulary_ties_three_matrices_and_a_separate_one_two(tokenizer, tmp_path):
    joint = tiny_model(tokenizer)
    assert joint.source_embedding is joint.target_embedding
    separate = tiny_model(tiny_tokenizer(tmp_path, "separate"))
    assert separate.source_embedding is not separate.target_embedding
    assert separate.output_weight is separate.target_embedding.weight


@torch.inference_mode()
def test_the_attention_on_display_is_the_one_applied(model, batch):
    applied = []
    last = model.decoder[-1].cross
    last.register_forward_hook(lambda module, inputs, output: applied.append((inputs, output)))
    shown = model.attention(batch.src, batch.src_mask, batch.tgt_in)  # [B, T, S]
    torch.testing.assert_close(shown.sum(-1), torch.ones(shown.shape[:2]))
    assert not shown.masked_select(~batch.src_mask.unsqueeze(1).expand_as(shown)).any()
    (x, k, v, mask), output = applied[0]
    explicit = last.head_weights(x, k, mask) @ v  # [B, H, T, D / H]
    torch.testing.assert_close(last.out(explicit.transpose(1, 2).flatten(2)), output, rtol=1e-4, atol=1e-5)


def test_positions_turn_from_once_in_6_places_to_once_in_63000():
    """Wavelengths from 2 pi to 10,000 * 2 pi (Vaswani et al. 2017, section 3.5)."""
    waves = sinusoids(100, 16)
    places = torch.arange(100)
    for column, slower in ((0, 1), (7, 10_000)):
        torch.testing.assert_close(waves[:, column], torch.sin(places / slower))
        torch.testing.assert_close(waves[:, 8 + column], torch.cos(places / slower))
