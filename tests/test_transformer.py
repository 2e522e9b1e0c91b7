import pytest
import torch

from seq2seq.batches import pad
from seq2seq.loss import smoothed_cross_entropy
from seq2seq.tokenizer import BOS, PAD
from seq2seq.transformer import TransformerParams
from seq2seq.weights import build_transformer
from tests.models import SMALL, tiny_model, tiny_pairs, tiny_tokenizer


@pytest.fixture
def model(tokenizer):
    return tiny_model(tokenizer)


@pytest.fixture
def batch(tokenizer):
    pairs = tiny_pairs(tokenizer)
    return pairs.batch(pairs.plan(300, None)[-1])


@torch.inference_mode()
def test_step_by_step_equals_teacher_forcing(model, batch):
    forced = model.project(model(batch.src, batch.src_mask, batch.tgt_in))  # [B, T, V]
    state, stepped = model.start(batch.src, batch.src_mask), []
    for column in batch.tgt_in.unbind(1):
        logits, state = model.step(column, state)
        stepped.append(logits)
    real = batch.tgt_mask
    torch.testing.assert_close(torch.stack(stepped, dim=1)[real], forced[real], rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_padding_changes_nothing(model, tokenizer):
    sentence = tokenizer.encode_source(["the cat sees the sea ."])[0]
    alone, tgt = pad([sentence]), torch.tensor([[BOS, 7, 8]])
    padded = torch.cat([alone, torch.full((1, 9), PAD)], dim=1)
    expected = model(alone, alone != PAD, tgt)
    torch.testing.assert_close(model(padded, padded != PAD, tgt), expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_the_order_of_a_batch_changes_nothing(model, batch):
    flipped = model(batch.src.flip(0), batch.src_mask.flip(0), batch.tgt_in.flip(0))
    torch.testing.assert_close(flipped.flip(0), model(batch.src, batch.src_mask, batch.tgt_in), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_the_future_is_hidden(model, batch):
    changed = batch.tgt_in.clone()
    changed[:, 3:] = 6
    before, after = (model(batch.src, batch.src_mask, tgt) for tgt in (batch.tgt_in, changed))
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3], before[:, 3])


def test_every_weight_gets_a_gradient(tmp_path, batch):
    model = build_transformer(tiny_tokenizer(tmp_path, "separate"), SMALL)
    hidden = model(batch.src.clamp(max=30), batch.src_mask, batch.tgt_in.clamp(max=30))
    target = batch.tgt_out.clamp(max=30)[batch.tgt_mask]
    smoothed_cross_entropy(hidden[batch.tgt_mask], model.output_weight, target, 0.1).backward()
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_a_joint_vocabulary_ties_three_matrices_and_a_separate_one_two(tokenizer, tmp_path):
    joint = build_transformer(tokenizer, SMALL)
    assert joint.source_embedding is joint.target_embedding
    separate = build_transformer(tiny_tokenizer(tmp_path, "separate"), SMALL)
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
    explicit = last.weights(x, k, mask) @ v  # [B, H, T, D / H]
    torch.testing.assert_close(last.out(explicit.transpose(1, 2).flatten(2)), output, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.inference_mode()
def test_cuda_agrees_with_the_cpu(model, batch):
    expected = model(batch.src, batch.src_mask, batch.tgt_in)
    device = torch.device("cuda")
    on_cuda = batch.to(device)
    found = model.to(device)(on_cuda.src, on_cuda.src_mask, on_cuda.tgt_in)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple of twice the number of heads"):
        TransformerParams.model_validate(SMALL.model_dump() | {"width": 30, "heads": 4})
