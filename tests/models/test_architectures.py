"""One contract for every architecture: what training, search and bundles rely on."""

import math
from itertools import count, product

import pytest
import torch

from seq2seq.bundles.manifest import TOKENIZER
from seq2seq.bundles.pytorch import load_model, read_shape, save_model
from seq2seq.decoding.beam_search import beam_search
from seq2seq.export.quantization import quantize
from seq2seq.inference.translator import Translator
from seq2seq.models.architectures import MODELS, build_model
from seq2seq.models.batches import pad
from seq2seq.models.convolutional import ConvolutionalParams
from seq2seq.models.dropout import LEVELS, Dropout
from seq2seq.tokenizers.base import BOS, EOS, PAD
from seq2seq.tokenizers.load import load_tokenizer
from seq2seq.training.loss import smoothed_cross_entropy
from seq2seq.training.objective import BatchLoss
from seq2seq.training.trainer import Trainer
from tests.pretrained_models import bundle_of
from tests.tiny_models import (
    DECODING,
    LANGUAGES,
    RECURRENT,
    RUNTIME,
    SMALL,
    TRAINING,
    tiny_corpus,
    tiny_log_probs,
    tiny_pairs,
    tiny_tokenizer,
)
from tests.trainings import CPU, killed_after, same

CONVOLUTIONAL = ConvolutionalParams(encoder_layers=3, decoder_layers=2, width=32, kernel=3, dropout=0.1, max_length=64)
SUTSKEVER = {"cell": "lstm", "attention": "none", "bidirectional": False, "residual": False}
BAHDANAU = {"attention": "additive", "input_feeding": True, "encoder_layers": 1, "decoder_layers": 1}
SHAPES = {
    "transformer": SMALL,
    "transformer-post": SMALL.model_copy(update={"norm": "post", "activation": "gelu", "positions": "learned"}),
    "recurrent": RECURRENT,
    "recurrent-sutskever": RECURRENT.model_copy(update=SUTSKEVER),
    "recurrent-bahdanau": RECURRENT.model_copy(update=BAHDANAU),
    "recurrent-luong": RECURRENT.model_copy(update={"cell": "lstm", "attention": "dot", "input_feeding": True}),
    "recurrent-plain": RECURRENT.model_copy(update={"cell": "rnn", "encoder_layers": 1, "decoder_layers": 1}),
    "convolutional": CONVOLUTIONAL,
    "convolutional-wide": CONVOLUTIONAL.model_copy(update={"kernel": 7}),
}
PRETRAINED = {  # which model of tests.pretrained_models; here with fresh weights
    "pretrained-t5": "t5",
    "pretrained-bart": "bart",
    "pretrained-marian": "marian",
    "pretrained-bert2bert": "bert2bert",
    "pretrained-lora": "t5",
}
OPTIONS = {"bos": BOS, "eos": EOS, "max_length": 12}
GREEDY = DECODING.model_copy(update={"beam_size": 1})


FEW = [EOS, 6, 7, 8, 9]  # pieces of the tiny vocabulary


class OfFewPieces:
    """A model whose outputs are made of few pieces."""

    def __init__(self, model):
        self.start, self.full_step = model.start, model.step

    def step(self, tokens, state):
        logits, state = self.full_step(tokens, state)
        return only_few(logits), state


def only_few(logits):
    return torch.full_like(logits, -torch.inf).index_copy(-1, torch.tensor(FEW), logits[..., FEW])


def build(shape, tokenizer, **changes):
    params = read_shape(bundle_of(PRETRAINED[shape]))[1] if shape in PRETRAINED else SHAPES[shape]
    torch.manual_seed(1)
    changes = {"dropout": 0.1, "max_length": 64} | changes
    model = build_model(shape.partition("-")[0], params.model_copy(update=changes), tokenizer)
    if shape == "pretrained-lora":
        model.add_low_rank(rank=16, alpha=32.0, dropout=0.0)
    return model


@pytest.fixture(params=[*SHAPES, *PRETRAINED])
def shape(request):
    return request.param


@pytest.fixture
def tokenizer(shape, tokenizer):
    """A pretrained model has its own."""
    return load_tokenizer(bundle_of(PRETRAINED[shape]) / TOKENIZER) if shape in PRETRAINED else tokenizer


@pytest.fixture
def model(shape, tokenizer):
    return build(shape, tokenizer).eval()


@pytest.fixture
def batch(tokenizer):
    pairs = tiny_pairs(tokenizer)
    plan = pairs.plan(300, None)
    return pairs.batch(plan[len(plan) // 2])  # several sentences of different lengths


def test_every_architecture_is_held_to_the_contract():
    assert {shape.partition("-")[0] for shape in [*SHAPES, *PRETRAINED]} == set(MODELS)


@torch.inference_mode()
def test_step_by_step_equals_teacher_forcing(model, batch):
    forced = model.project(model(batch.src, batch.src_mask, batch.tgt_in))  # [B, T, V]
    state = model.start(batch.src, batch.src_mask)
    stepped = []
    for column in batch.tgt_in.unbind(1):
        logits, state = model.step(column, state)
        stepped.append(logits)
    real = batch.tgt_mask
    torch.testing.assert_close(torch.stack(stepped, dim=1)[real], forced[real], rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_padding_changes_nothing(model, tokenizer):
    sentence = tokenizer.encode_source(["the cat sees the sea ."])[0]
    alone = pad([sentence])
    tgt = torch.tensor([[BOS, 7, 8]])
    padded = torch.cat([alone, torch.full((1, 9), PAD)], dim=1)
    expected = model(alone, alone != PAD, tgt)
    torch.testing.assert_close(model(padded, padded != PAD, tgt), expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_the_order_of_a_batch_changes_nothing(model, batch):
    flipped = model(batch.src.flip(0), batch.src_mask.flip(0), batch.tgt_in.flip(0))
    torch.testing.assert_close(flipped.flip(0), model(batch.src, batch.src_mask, batch.tgt_in), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_the_future_is_hidden_and_the_source_is_seen(model, batch):
    changed = batch.tgt_in.clone()
    changed[:, 3:] = 6
    before, after = (model(batch.src, batch.src_mask, tgt) for tgt in (batch.tgt_in, changed))
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3], before[:, 3])
    first = batch.src.clone()
    first[:, 0] = 6
    assert not torch.allclose(model(first, batch.src_mask, batch.tgt_in)[:, 1], before[:, 1])


@torch.inference_mode()
def test_dropout_follows_the_seed_and_rests_in_evaluation(model, batch):
    def run(seed):
        torch.manual_seed(seed)
        return model(batch.src, batch.src_mask, batch.tgt_in)

    assert torch.equal(run(1), run(2))
    model.train()
    assert torch.equal(run(1), run(1))
    assert not torch.allclose(run(1), run(2))


# embeddings of both sides; each sub-layer, or each layer; what attention makes of the source; the last hidden state
DROPOUTS = {"transformer": 2 + 2 * 2 + 2 * 3, "recurrent": 2 + 2 + 2 + 1, "convolutional": 2 + 3 + 2 + 1}


@pytest.mark.parametrize("shape", DROPOUTS, indirect=True)
@torch.inference_mode()
def test_dropout_acts_in_every_sub_layer_and_between_recurrent_layers(shape, model, batch, monkeypatch):
    dropped = {module.dropped for module in model.modules() if isinstance(module, Dropout)}
    assert dropped == {round(0.1 * LEVELS)}

    def run(silenced):
        """The outputs without what meets one dropout, and how many there are."""
        places = count()
        monkeypatch.setattr(Dropout, "forward", lambda _, x: 0 * x if next(places) == silenced else x)
        return model(batch.src, batch.src_mask, batch.tgt_in), next(places)

    whole, number = run(None)
    assert number == DROPOUTS[shape]
    assert not [place for place in range(number) if torch.allclose(run(place)[0], whole)]


@torch.inference_mode()
def test_beam_one_is_greedy(model, batch):
    found = beam_search(model, batch.src, batch.src_mask, GREEDY, **OPTIONS)
    for row, hypotheses in enumerate(found[:6]):
        tokens = [BOS]
        while len(tokens) <= 12:
            hidden = model(batch.src[row : row + 1], batch.src_mask[row : row + 1], torch.tensor([tokens]))
            tokens.append(int(model.project(hidden[0, -1]).argmax()))
            if tokens[-1] == EOS:
                break
        assert hypotheses[0].tokens == [token for token in tokens[1:] if token != EOS]


@torch.inference_mode()
def test_a_wide_beam_equals_brute_force_over_few_pieces(model, batch):
    longest = 3
    src = batch.src[:3]
    mask = batch.src_mask[:3]
    bodies = [body for length in range(longest + 1) for body in product(FEW[1:], repeat=length)]
    tgt_in = pad([[BOS, *body][:longest] for body in bodies])
    tgt_out = pad([[*body, EOS][:longest] for body in bodies])
    wide = DECODING.model_copy(update={"beam_size": len(bodies)})
    found = beam_search(OfFewPieces(model), src, mask, wide, bos=BOS, eos=EOS, max_length=longest)
    for row, hypotheses in enumerate(found):
        copies = [one[row : row + 1].expand(len(bodies), -1) for one in (src, mask)]
        log_probs = only_few(model.project(model(*copies, tgt_in))).log_softmax(-1)  # [bodies, T, V]
        chosen = log_probs.gather(2, tgt_out.unsqueeze(2)).squeeze(2).masked_fill(tgt_out == PAD, 0.0)
        scores = chosen.sum(1) / (tgt_out != PAD).sum(1)
        expected = dict(zip(bodies, scores.tolist(), strict=True))
        assert {tuple(one.tokens): one.score for one in hypotheses} == pytest.approx(expected, abs=1e-4)
        assert hypotheses[0].score == max(one.score for one in hypotheses)


@torch.inference_mode()
def test_search_finds_the_same_alone_and_in_a_padded_batch(model, batch):
    padded = torch.cat([batch.src, torch.full((len(batch.src), 5), PAD)], dim=1)
    together = beam_search(model, padded, padded != PAD, DECODING, **OPTIONS)
    for row in range(4):
        src = batch.src[row : row + 1, batch.src_mask[row]]
        alone = beam_search(model, src, src != PAD, DECODING, **OPTIONS)[0]
        assert together[row][0].tokens == alone[0].tokens
        assert together[row][0].score == pytest.approx(alone[0].score, abs=1e-4)


def test_every_weight_gets_a_gradient(shape, tokenizer, tmp_path, batch):
    if shape not in PRETRAINED:
        tokenizer = tiny_tokenizer(tmp_path, "separate")
    model = build(shape, tokenizer)
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    optimizer = torch.optim.SGD(trained.values(), lr=1e-3)
    for _ in range(2):  # half of a low-rank update is zero at first, so that the other half gets no gradient
        optimizer.step()
        optimizer.zero_grad()
        hidden = model(batch.src.clamp(max=30), batch.src_mask, batch.tgt_in.clamp(max=30))
        target = batch.tgt_out.clamp(max=30)[batch.tgt_mask]
        smoothed_cross_entropy(hidden[batch.tgt_mask], model.output_weight, target, 0.1).backward()
    without = [name for name, weight in trained.items() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_bf16_computes_nearly_the_same_loss_and_gradient(model, batch):
    losses, gradients = [], []
    for dtype in (None, torch.bfloat16):
        model.zero_grad()
        loss = BatchLoss(model, dtype)(batch, 0.1)
        loss.backward()
        trained = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
        losses.append(loss.item())
        gradients.append(torch.cat(trained))
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.99
    assert not torch.equal(*gradients)


def test_ten_pairs_are_learned_by_heart(shape, tokenizer):
    model = build(shape, tokenizer, dropout=0.0)
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(pairs.plan(10**6, None)[0][::3][:10])
    assert len(batch.src) == 10
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(1000):
        hidden, target = model(batch.src, batch.src_mask, batch.tgt_in)[batch.tgt_mask], batch.tgt_out[batch.tgt_mask]
        best, order = model.project(hidden.detach()).topk(2)
        if torch.equal(order[:, 0], target) and (best[:, 0] - best[:, 1]).min() > 0.5:
            break  # each piece is the best by far
        optimizer.zero_grad()
        loss = smoothed_cross_entropy(hidden, model.output_weight, target, 0.0)
        (loss / batch.tgt_mask.sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    found = beam_search(model.eval(), batch.src, batch.src_mask, GREEDY, **OPTIONS | {"max_length": 40})
    expected = [[piece for piece in row.tolist() if piece not in (PAD, EOS)] for row in batch.tgt_out]
    assert [hypotheses[0].tokens for hypotheses in found] == expected


@torch.inference_mode()
def test_attention_is_a_distribution_over_the_real_source(shape, model, batch):
    shown = model.attention(batch.src, batch.src_mask, batch.tgt_in)  # [B, T, S]
    if shape == "recurrent-sutskever":
        assert shown is None
        return
    assert shown.shape == (*batch.tgt_in.shape, batch.src.shape[1])
    torch.testing.assert_close(shown.sum(-1), torch.ones(shown.shape[:2]))
    assert not shown.masked_select(~batch.src_mask.unsqueeze(1).expand_as(shown)).any()


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "recurrent-sutskever"], indirect=True)
@torch.inference_mode()
def test_attention_begins_soft(shape, tokenizer):
    """A softmax that begins hard passes little gradient: two models here learned next to nothing for it."""
    model = build(shape, tokenizer, width=256).eval()
    pieces = torch.arange(10, tokenizer.target_size)  # those of one piece are alike, so none is on both sides
    src, tgt = pieces[:20].view(2, 10), pieces[20:40].view(2, 10)
    shown = model.attention(src, torch.ones_like(src, dtype=torch.bool), tgt)  # [B, T, S]
    evenness = torch.special.entr(shown).sum(-1) / math.log(10)  # [B, T]
    assert evenness.mean() > 0.7


@torch.inference_mode()
def test_a_bundle_survives_a_round_trip(model, tokenizer, batch, tmp_path):
    save_model(tmp_path / "bundle", model, tokenizer, LANGUAGES, {}, "translation")
    loaded, _ = load_model(tmp_path / "bundle")
    assert type(loaded) is type(model)
    assert loaded.params == model.params
    expected = model(batch.src, batch.src_mask, batch.tgt_in)
    assert torch.equal(loaded(batch.src, batch.src_mask, batch.tgt_in), expected)


@torch.inference_mode()
def test_an_int8_bundle_is_small_and_close(model, tokenizer, tmp_path):
    save_model(tmp_path / "float32", model, tokenizer, LANGUAGES, {}, "translation")
    quantize(tmp_path / "float32", tmp_path / "int8", "int8")
    sizes = [
        sum(one.stat().st_size for one in (tmp_path / kind).rglob("*") if TOKENIZER not in one.parts)
        for kind in ("int8", "float32")
    ]
    assert sizes[0] < 0.6 * sizes[1]
    small, full = (Translator.load(tmp_path / kind, RUNTIME) for kind in ("int8", "float32"))
    found, expected = tiny_log_probs(small), tiny_log_probs(full)
    assert (found - expected).norm() < 0.1 * (expected - expected.mean()).norm()
    assert any(small.translate(tiny_corpus()["source"].tolist(), DECODING))


def test_the_same_seed_gives_the_same_weights_even_to_a_training_that_is_killed(
    shape, tokenizer, tmp_path, monkeypatch
):
    def train(folder):
        folder.mkdir(exist_ok=True)
        params = TRAINING.model_copy(update={"max_updates": 7, "validate_every": 3})
        trainer = Trainer(build(shape, tokenizer), params, folder, CPU, None)
        trainer.train(lambda _: [tiny_pairs(tokenizer)], tiny_pairs(tokenizer), "test")
        return trainer.model.weights()

    first, second = build(shape, tokenizer).weights(), build(shape, tokenizer).weights()
    assert same(first, second)
    whole = train(tmp_path / "whole")
    assert not same(whole, first)
    with killed_after(5, monkeypatch):
        train(tmp_path / "killed")
    assert same(train(tmp_path / "killed"), whole)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@torch.inference_mode()
def test_cuda_agrees_with_the_cpu(model, batch):
    expected = model(batch.src, batch.src_mask, batch.tgt_in)
    device = torch.device("cuda")
    on_cuda = batch.to(device)
    found = model.to(device)(on_cuda.src, on_cuda.src_mask, on_cuda.tgt_in)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("params", "change", "message"),
    [
        (SMALL, {"width": 30, "heads": 4}, "multiple of the number of heads"),
        (RECURRENT, {"width": 31}, "multiple of 2"),
        (RECURRENT, {"attention": "none", "input_feeding": True}, "input_feeding needs attention"),
        (CONVOLUTIONAL, {"kernel": 4}, "kernel 4 must be odd"),
    ],
)
def test_a_shape_that_can_not_be_is_refused(params, change, message):
    with pytest.raises(ValueError, match=message):
        type(params).model_validate(params.model_dump() | change)
