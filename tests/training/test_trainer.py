import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seq2seq.core.errors import UserError
from seq2seq.decoding.beam_search import beam_search
from seq2seq.metrics.scores import quick_score
from seq2seq.models.batches import PairedSequences, pad, training_batches
from seq2seq.tokenizers.base import BOS, BT, EOS, PAD
from seq2seq.training.data import EpochStores
from seq2seq.training.distributed import ALONE, Processes
from seq2seq.training.learning_curve import Point, read_curve, worse_than_guessing, write_curve
from seq2seq.training.objective import BatchLoss, shifted
from seq2seq.training.optimizer import make_optimizer
from seq2seq.training.r_drop import r_drop_loss
from seq2seq.training.schedules import SCHEDULES, Step, learning_rate
from seq2seq.training.trainer import Trainer
from seq2seq.training.validation_score import GreedyScore
from tests.tiny_models import (
    DECODING,
    TRAINING,
    tiny_corpus,
    tiny_model,
    tiny_pairs,
    tiny_tokenizer,
)
from tests.trainings import CPU, direction_of, killed_after, same, train


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tokenizer, tmp_path):
    runs = [train(tokenizer, tmp_path / str(run), seed=seed)[0].model.weights() for run, seed in enumerate([3, 3, 4])]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_pairs_are_overfitted_to_exact_reproduction(tokenizer, tmp_path):
    changes = {"max_updates": 300, "lr": 5e-3, "warmup_updates": 100, "label_smoothing": 0.0}
    trainer, _ = train(tokenizer, tmp_path / "work", dropout=0.0, **changes)
    corpus = tiny_corpus()
    src = pad(tokenizer.encode_source(list(corpus["source"])))
    decoding = DECODING.model_copy(update={"beam_size": 2, "patience": 3.0})
    found = beam_search(trainer.model, src, src != PAD, decoding, bos=BOS, eos=EOS, max_length=30)
    assert tokenizer.decode_target([one[0].tokens for one in found]) == list(corpus["target"])


def test_training_stops_early_when_validation_does_not_improve(tokenizer, tmp_path, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.6, 2.1, 1.0])
    monkeypatch.setattr(Trainer, "_mean_loss", lambda *_: next(losses))
    _, points = train(tokenizer, tmp_path / "work", max_updates=1000, patience=3)
    assert [point.validation_loss for point in points] == [3.0, 2.0, 2.5, 2.6, 2.1]


def test_the_checkpoints_of_lowest_loss_are_averaged(tokenizer, tmp_path):
    trainer, points = train(tokenizer, tmp_path / "work", average_checkpoints=2)
    chosen = sorted(points, key=lambda point: point.validation_loss)[:2]
    first, second = (torch.load(tmp_path / "work" / f"weights-{one.update:09d}.pt") for one in chosen)
    assert len(list((tmp_path / "work").glob("weights-*"))) <= 3  # with the one that the state before would need
    for name, weight in trainer.model.weights().items():
        torch.testing.assert_close(weight, (first[name] + second[name]) / 2)
        assert not torch.equal(first[name], second[name])


def test_a_moving_average_is_what_is_validated_and_kept(tokenizer, tmp_path, monkeypatch):
    seen, original = [], Trainer._update

    def records(self, pairs, rows):
        original(self, pairs, rows)
        seen.append(self.model.weights()["target_embedding.weight"].clone())

    monkeypatch.setattr(Trainer, "_update", records)
    trainer, _ = train(tokenizer, tmp_path, max_updates=6, ema=0.3, average_checkpoints=1, validate_every=6)
    expected = seen[0]
    for number, weight in enumerate(seen[1:], start=1):
        decay = min(0.3, (1 + number) / (10 + number))  # 2/11, 3/12, 0.3, ...
        expected = decay * expected + (1 - decay) * weight
    torch.testing.assert_close(trainer.model.weights()["target_embedding.weight"], expected)


def test_a_moving_average_of_many_updates_serves_a_short_training(tokenizer, tmp_path):
    options = {"max_updates": 60, "validate_every": 30}
    plain, averaged = (train(tokenizer, tmp_path / str(ema), ema=ema, **options)[1] for ema in (0.0, 0.999))
    for one, other in zip(plain, averaged, strict=True):
        assert other.validation_loss < 1.1 * one.validation_loss


def test_the_checkpoints_of_the_best_outputs_are_chosen_where_a_score_decides(tokenizer, tmp_path):
    scores = iter([10.0, 30.0, 20.0, 30.0, 15.0, 1.0])
    options = {"max_updates": 1000, "patience": 3, "average_checkpoints": 1}
    trainer, points = train(tokenizer, tmp_path, score=lambda _: next(scores), **options)
    assert [point.validation_score for point in points] == [10.0, 30.0, 20.0, 30.0, 15.0]
    assert same(trainer.model.weights(), torch.load(tmp_path / "weights-000000010.pt"))


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_greedy_outputs_are_scored_as_the_metrics_score_them(tokenizer, tmp_path, metric):
    corpus = tiny_corpus()
    score = GreedyScore(metric, direction_of(tokenizer), CPU, ALONE)
    trainer, points = train(tokenizer, tmp_path, score=score, max_updates=120, validate_every=60, dropout=0.0)
    src = pad(tokenizer.encode_source(list(corpus["source"])))
    greedy = DECODING.model_copy(update={"beam_size": 1})
    found = beam_search(trainer.model, src, src != PAD, greedy, bos=BOS, eos=EOS, max_length=30)
    outputs = tokenizer.decode_target([one[0].tokens for one in found])
    expected = quick_score(outputs, list(corpus["target"]), "de", metric)
    assert score(trainer.model) == pytest.approx(expected)
    assert points[0].validation_score < points[1].validation_score


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_learns_as_float32_does(tokenizer, tmp_path, dtype):
    _, exact = train(tokenizer, tmp_path / "exact", dropout=0.0)
    trainer, points = train(tokenizer, tmp_path / "half", dropout=0.0, dtype=dtype)
    assert points[-1].validation_loss == pytest.approx(exact[-1].validation_loss, rel=0.03)
    assert trainer.scaler.is_enabled() == (dtype is torch.float16)
    assert all(weight.dtype is torch.float32 for weight in trainer.model.weights().values())


def test_an_overflow_of_fp16_is_left_out_and_scaled_down(tokenizer, tmp_path):
    pairs = tiny_pairs(tokenizer)
    trainer = Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, torch.float16)
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    points = trainer.train(lambda _: [pairs], pairs, "test")
    assert trainer.scaler.get_scale() < 2.0**40
    assert points[-1].validation_loss < points[0].validation_loss
    resumed = Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, torch.float16)
    assert resumed.scaler.get_scale() == trainer.scaler.get_scale() != torch.amp.GradScaler("cpu").get_scale()


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(tokenizer, tmp_path):
    _, plain = train(tokenizer, tmp_path / "plain", dropout=0.0)
    _, compiled = train(tokenizer, tmp_path / "compiled", dropout=0.0, compile=True)
    losses = [point.validation_loss for point in plain]
    assert [point.validation_loss for point in compiled] == pytest.approx(losses, rel=1e-3)


def test_the_rate_rises_linearly_and_falls_by_its_schedule():
    def rates(schedule, losses=()):
        updates = (50, 100, 400, 1000)
        return [learning_rate(schedule, 0.5, Step(update, 100, 1000, losses)) for update in updates]

    assert rates("inverse_sqrt") == pytest.approx([0.25, 0.5, 0.25, 0.5 / math.sqrt(10)])
    assert rates("cosine") == pytest.approx([0.25, 0.5, 0.375, 0.0])
    assert rates("constant") == pytest.approx([0.25, 0.5, 0.5, 0.5])
    assert rates("plateau", [3.0, 2.0, 2.1, 2.0, 1.9]) == pytest.approx([0.25, 0.5, 0.125, 0.125])
    for schedule in SCHEDULES:
        TRAINING.model_validate(TRAINING.model_dump() | {"schedule": schedule})


def test_plateau_counts_no_validation_of_the_warm_up(tokenizer, tmp_path, monkeypatch):
    losses = iter([1.0, 1.2, 1.5, 1.6, 1.7])  # after updates 5, 10, ...; the warm-up's are the lowest
    monkeypatch.setattr(Trainer, "_mean_loss", lambda *_: next(losses))
    options = {"schedule": "plateau", "warmup_updates": 10, "max_updates": 25, "lr": 4e-3}
    _, points = train(tokenizer, tmp_path, **options)
    assert [point.lr for point in points] == pytest.approx([2e-3, 4e-3, 4e-3, 4e-3, 2e-3])


def test_r_drop_without_dropout_is_the_plain_loss_and_with_it_more(tokenizer):
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(np.arange(8))
    still, moving = (BatchLoss(tiny_model(tokenizer, dropout=rate).train(), None) for rate in (0.0, 0.3))
    assert still(batch, 0.1, r_drop=5.0).item() == pytest.approx(still(batch, 0.1).item(), rel=1e-5)
    torch.manual_seed(1)
    plain = (moving(batch, 0.1) + moving(batch, 0.1)).item() / 2
    torch.manual_seed(1)
    assert moving(batch, 0.1, r_drop=5.0).item() > plain + 0.01


@pytest.mark.parametrize("vocabulary", [9, 3000])
def test_r_drop_is_the_mean_of_two_losses_and_of_two_divergences(vocabulary):
    sides = [torch.randn(600, 8, requires_grad=True) for _ in range(2)]
    weight, target = torch.randn(vocabulary, 8, requires_grad=True), torch.randint(vocabulary, (600,))
    logits = [side @ weight.t() for side in sides]
    p, q = (torch.distributions.Categorical(logits=one) for one in logits)
    divergence = (torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)).sum() / 2
    losses = [F.cross_entropy(one, target, label_smoothing=0.1, reduction="sum") for one in logits]
    expected = sum(losses) / 2 + 3.0 / 2 * divergence
    gradients = torch.autograd.grad(expected, [*sides, weight])
    found = r_drop_loss(*sides, weight, target, 0.1, 3.0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-3)
    for mine, theirs in zip(torch.autograd.grad(found, [*sides, weight]), gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-3)


def test_the_embeddings_are_shifted_uphill_and_come_back(tokenizer):
    pairs = tiny_pairs(tokenizer)
    batch, model = pairs.batch(np.arange(8)), tiny_model(tokenizer, dropout=0.0)
    loss = BatchLoss(model, None)
    before = loss(batch, 0.0)
    before.backward()
    weights = {name: weight.clone() for name, weight in model.weights().items()}
    with shifted(model.embeddings(), 0.5):
        shift = model.target_embedding.weight - weights["target_embedding.weight"]
        assert shift.norm().item() == pytest.approx(0.5, rel=0.01)
        assert loss(batch, 0.0).item() > before.item()
    assert same(model.weights(), weights)


def test_updates_are_those_of_pytorchs_own_parts(tokenizer, tmp_path):
    params = {"max_updates": 3, "validate_every": 3, "average_checkpoints": 1, "adam_beta2": 0.9, "clip_norm": 0.5}
    trainer, (point,) = train(tokenizer, tmp_path, dropout=0.0, **params)
    model, pairs, settings = tiny_model(tokenizer, dropout=0.0), tiny_pairs(tokenizer), trainer.params
    groups = [
        {"params": [weight for weight in model.parameters() if weight.dim() > 1], "weight_decay": 0.01},
        {"params": [weight for weight in model.parameters() if weight.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.9), eps=1e-9)
    batches, losses, tokens = training_batches([pairs], settings.batch_tokens, settings.seed, 0), 0.0, 0
    for update, (_, rows) in zip(range(1, 4), batches, strict=False):
        batch = pairs.batch(rows)
        logits = model.project(model(batch.src, batch.src_mask, batch.tgt_in))[batch.tgt_mask]
        loss = F.cross_entropy(logits, batch.tgt_out[batch.tgt_mask], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        assert torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5) > 0.5
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = settings.lr * update / 8  # of warm-up
        optimizer.step()
        losses, tokens = losses + loss.item() * len(logits), tokens + len(logits)
    assert point.train_loss == pytest.approx(losses / tokens, rel=1e-5)
    for name, weight in trainer.model.weights().items():
        if not name.endswith("kv.bias"):  # attention is the same for any bias of its keys: their gradient is noise
            torch.testing.assert_close(weight, model.weights()[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "change", [{"r_drop": 1.0}, {"adversarial": 0.5}, {"schedule": "plateau", "warmup_updates": 2}]
)
def test_each_way_of_training_is_another_and_lowers_the_loss(tokenizer, tmp_path, change):
    plain, _ = train(tokenizer, tmp_path / "plain")
    trainer, points = train(tokenizer, tmp_path / "work", **change)
    assert points[-1].validation_loss < points[0].validation_loss
    assert not same(trainer.model.weights(), plain.model.weights())


def test_each_process_drops_out_units_of_its_own(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(Processes, "sum", lambda self, value: value)
    monkeypatch.setattr(Processes, "gather", lambda self, value: [value])
    monkeypatch.setattr(Processes, "wrap", lambda self, module, device: module)
    pairs = PairedSequences.of([[7, 8, EOS]] * 4, [[9, 10]] * 4)  # the same for all
    weights = []
    for rank in (0, 0, 1):
        trainer = Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, None, Processes(rank, 2))
        trainer.model.train()
        trainer._update(pairs, np.arange(4))
        weights.append(trainer.model.weights())
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_each_update_drops_out_units_of_its_own(tokenizer, tmp_path, monkeypatch):
    seeds, original = [], Trainer._accumulate

    def records(self, pairs, rows):
        seeds.append(torch.initial_seed())
        return original(self, pairs, rows)

    monkeypatch.setattr(Trainer, "_accumulate", records)
    train(tokenizer, tmp_path)
    assert len(set(seeds)) == len(seeds) == TRAINING.max_updates


def test_the_validation_loss_is_pytorchs_cross_entropy_without_smoothing_and_dropout(tokenizer, tmp_path):
    trainer, (point,) = train(tokenizer, tmp_path, max_updates=5, average_checkpoints=1)
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(range(len(pairs)))
    with torch.inference_mode():
        logits = trainer.model.project(trainer.model(batch.src, batch.src_mask, batch.tgt_in))  # [B, T, V]
    expected = F.cross_entropy(logits.transpose(1, 2), batch.tgt_out, ignore_index=PAD)
    assert point.validation_loss == pytest.approx(expected.item(), rel=1e-5)


def test_each_point_has_the_mean_training_loss_since_the_one_before(tokenizer, tmp_path, monkeypatch):
    seen, original = [], Trainer._accumulate

    def records(self, pairs, rows):
        seen.append((original(self, pairs, rows), pairs.target_tokens(rows)))
        return seen[-1][0]

    monkeypatch.setattr(Trainer, "_accumulate", records)
    _, points = train(tokenizer, tmp_path, max_updates=10)
    for point, part in zip(points, (seen[:5], seen[5:]), strict=True):
        losses, tokens = zip(*part, strict=True)
        assert point.train_loss == pytest.approx(sum(losses) / sum(tokens))


def test_matrices_decay_and_norms_and_biases_do_not(tokenizer):
    model = tiny_model(tokenizer)
    before = {name: weight.clone() for name, weight in model.weights().items()}
    optimizer = make_optimizer(model, TRAINING.model_copy(update={"weight_decay": 0.5, "lr": 1.0}))
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)  # so that decay alone moves the weights
    optimizer.step()
    for name, weight in model.weights().items():
        kept = 1.0 if "norm" in name or name.endswith("bias") else 0.5
        torch.testing.assert_close(weight, kept * before[name])


def test_gradients_of_fp16_are_unscaled_before_they_are_clipped(tokenizer, tmp_path, monkeypatch):
    norms, weights = [], []
    monkeypatch.setattr(Trainer, "_check", lambda self, loss, norm: norms.append(norm))
    for dtype in (None, torch.float16):
        trainer = Trainer(tiny_model(tokenizer, dropout=0.0), TRAINING, tmp_path, CPU, dtype)
        trainer._update(tiny_pairs(tokenizer), np.arange(8))
        gradients = [weight.grad.flatten() for weight in trainer.model.parameters()]
        weights.append(torch.cat(gradients).norm().item())
    assert norms[1] == pytest.approx(norms[0], rel=0.02)
    assert norms[0] > TRAINING.clip_norm
    assert weights == pytest.approx([TRAINING.clip_norm] * 2, rel=0.01)  # clipped to that, in either


def test_a_training_that_ends_with_an_epoch_counts_it_once(tokenizer, tmp_path):
    trainer, points = train(tokenizer, tmp_path, max_updates=1000, max_epochs=3)
    assert [points[0].epoch, points[-1].epoch] == [1, 3]
    assert trainer._expected_updates() == points[-1].update


def test_a_loss_that_is_not_a_number_says_where_and_what_to_do(tokenizer, tmp_path):
    pairs = tiny_pairs(tokenizer)
    model = tiny_model(tokenizer)
    with torch.no_grad():
        model.encoder_norm.weight[0] = float("nan")
    with pytest.raises(UserError, match=r"nan at update 1 .*lower the learning rate"):
        Trainer(model, TRAINING, tmp_path, CPU, None).train(lambda _: [pairs], pairs, "test")


def test_a_batch_whose_loss_is_not_a_number_is_named(tokenizer, tmp_path, monkeypatch):
    pairs, params = tiny_pairs(tokenizer), TRAINING
    batches = [
        (epoch, number, rows.tolist())
        for epoch in range(3)
        for number, (_, rows) in enumerate(training_batches([pairs], params.batch_tokens, params.seed, epoch, 0))
    ]
    epoch, number, bad = next(batch for batch in batches if batch[0] == 1 and batch[1] == 2)
    whole = Trainer._accumulate

    def spoiled(self, pairs, rows):
        return math.nan if rows.tolist() == bad else whole(self, pairs, rows)

    monkeypatch.setattr(Trainer, "_accumulate", spoiled)
    with pytest.raises(
        UserError, match=rf"nan .* at update {batches.index((epoch, number, bad)) + 1} \(epoch 2, batch 3\)"
    ):
        train(tokenizer, tmp_path)


def test_a_validation_loss_that_is_not_a_number_chooses_no_checkpoint(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "_mean_loss", lambda self, pairs: float("nan"))
    with pytest.raises(UserError, match=r"the validation loss is nan at update 5; lower the learning rate"):
        train(tokenizer, tmp_path / "work")
    assert not list((tmp_path / "work").glob("weights-*"))


def test_synthetic_sources_alone_bear_the_tag(tokenizer):
    corpus = tiny_corpus()
    for tag in (True, False):
        parts = list(direction_of(tokenizer, corpus[:3], corpus[3:5], tag=tag).encode())
        tagged = [source[0] == BT for sources, _ in parts for source in sources]
        assert tagged == [False, False, False, tag, tag]
    backward = direction_of(tokenizer, corpus[:3], corpus[3:5]).reverse()
    assert (backward.languages.source, backward.languages.target) == ("de", "en")
    assert backward.validation["source"].tolist() == corpus["target"].tolist()
    sources, targets = zip(*backward.encode(), strict=True)
    assert sources[0] == [[*one, EOS] for one in tokenizer.encode_target(corpus["target"][:3].tolist())]
    assert targets[0] == [one[:-1] for one in tokenizer.encode_source(corpus["source"][:3].tolist())]


def test_parts_of_a_batch_make_the_same_step(tokenizer, tmp_path):
    _, whole = train(tokenizer, tmp_path / "whole", dropout=0.0)
    _, parts = train(tokenizer, tmp_path / "parts", dropout=0.0, accumulate=3)
    for loss in ("train_loss", "validation_loss"):
        expected = [getattr(point, loss) for point in whole]
        assert [getattr(point, loss) for point in parts] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_words_are_cut_anew_in_each_epoch_and_alike_in_the_same(tmp_path, algorithm):
    tokenizer, corpus = tiny_tokenizer(tmp_path / "tokenizer", algorithm=algorithm), tiny_corpus()

    def sources(work, epoch, alpha=0.3):
        work.mkdir(exist_ok=True)
        params = TRAINING.model_copy(update={"subword_sampling": alpha, "seed": 7})
        store = EpochStores(direction_of(tokenizer), params, 64, work, ALONE, "train")(epoch)
        assert [path.name for path in work.glob("tokens-*")] == [f"tokens-{epoch if alpha else 0:06d}"]
        return [store[0].src[row].tolist() for row in range(len(store[0]))]

    first, second = sources(tmp_path / "a", 0), sources(tmp_path / "a", 1)
    assert first != second
    assert second == sources(tmp_path / "b", 1)
    assert sources(tmp_path / "c", 0, alpha=0.0) == sources(tmp_path / "c", 1, alpha=0.0)
    texts = [tokenizer.reverse().decode_target([pieces[:-1]])[0] for pieces in second]
    assert texts == corpus["source"].tolist()


def test_a_curve_can_be_read_back_and_an_empty_one_has_its_header(tmp_path):
    header = "update,epoch,lr,train_loss,validation_loss,unigram_loss,validation_score"
    points = [Point(5, 1, 0.5, 3.0, 2.0, 4.0), Point(10, 2, 0.25, 1.0, 1.5, 4.0, 20.0)]
    write_curve(tmp_path / "curve.csv", points)
    assert (tmp_path / "curve.csv").read_text().splitlines()[:2] == [header, "5,1,0.5,3.0,2.0,4.0,"]
    assert read_curve(tmp_path / "curve.csv") == points
    write_curve(tmp_path / "curve.csv", [])
    assert (tmp_path / "curve.csv").read_text() == f"{header}\n"


def test_a_training_that_learns_nothing_says_so_when_it_shows_and_at_its_end(tokenizer, tmp_path, capfd):
    _, points = train(tokenizer, tmp_path / "wild", lr=0.9)
    assert min(point.validation_loss for point in points) > points[0].unigram_loss
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert [re.sub(r"[\d.]+", "N", line).split(";")[0] for line in told] == [
        "warning: test: the validation loss is N nats per target piece at update N, and guessing pieces by their "
        "frequency gives N",
        "warning: test: this model has learned nothing, and will not be released: the validation loss is N nats per "
        "target piece at update N, and guessing pieces by their frequency gives N",
    ]
    assert f"at update {points[1].update}, and" in told[0]  # the first one after warm-up
    assert "(lr=0.9)" in told[0]

    _, points = train(tokenizer, tmp_path / "calm", max_updates=40, validate_every=20)
    assert points[-1].validation_loss < points[-1].unigram_loss
    assert "warning" not in capfd.readouterr().err


def test_each_checkpoint_that_is_kept_has_to_beat_guessing():
    losses = [4.0, 6.0, 2.0, 3.0]
    points = [Point(number, 1, 0.1, 1.0, loss, 5.0) for number, loss in enumerate(losses)]
    assert [bool(worse_than_guessing(points, averaged)) for averaged in (1, 3, 4)] == [False, False, True]
    by_score = [replace(point, validation_score=point.validation_loss) for point in points]
    assert worse_than_guessing(by_score, 1).startswith("the validation loss is 6.00 nats per target piece at update 1,")


def test_a_score_that_is_always_0_can_not_choose(tokenizer, tmp_path):
    with pytest.raises(UserError, match="bleu is 0 at every validation, so it can't tell which model is best"):
        train(tokenizer, tmp_path, score=lambda _: 0.0, early_stopping_metric="bleu")


def test_the_loss_of_guessing_is_the_same_in_a_training_that_goes_on_in_a_later_epoch(tokenizer, tmp_path, monkeypatch):
    options = {"subword_sampling": 0.3, "max_updates": 30}
    _, whole = train(tokenizer, tmp_path / "whole", **options)
    with killed_after(23, monkeypatch):
        train(tokenizer, tmp_path / "killed", **options)
    _, resumed = train(tokenizer, tmp_path / "killed", **options)
    assert [point.epoch for point in resumed][-1] > 1
    assert resumed == whole
