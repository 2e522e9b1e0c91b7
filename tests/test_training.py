import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seq2seq.batches import pad
from seq2seq.errors import UserError
from seq2seq.fitting import TrainingData, fit
from seq2seq.loss import divergence
from seq2seq.schedules import SCHEDULES, Progress, learning_rate
from seq2seq.search import beam_search
from seq2seq.tokenizer import BOS, BT, EOS, PAD
from seq2seq.training import BatchLoss, Point, Trainer, shifted
from tests.models import DECODING, LANGUAGES, RUNTIME, SMALL, TRAINING, tiny_corpus, tiny_model, tiny_pairs

CPU = torch.device("cpu")


def train(tokenizer, work, dropout=0.1, **changes):
    pairs = tiny_pairs(tokenizer)
    work.mkdir(exist_ok=True)
    trainer = Trainer(tiny_model(tokenizer, dropout=dropout), TRAINING.model_copy(update=changes), work, CPU, None)
    return trainer, trainer.train([pairs], pairs, "test")


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tokenizer, tmp_path):
    runs = [train(tokenizer, tmp_path / str(run), seed=seed)[0].model.weights() for run, seed in enumerate([3, 3, 4])]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


class KilledError(Exception):
    pass


@pytest.mark.parametrize("update", [1, 7, 12, 23])
def test_a_killed_training_resumed_ends_with_the_same_weights_and_curve(tokenizer, tmp_path, monkeypatch, update):
    whole, points = train(tokenizer, tmp_path / "whole")
    original = Trainer._update

    def dies(self, pairs, rows):
        original(self, pairs, rows)
        if self.position.update == update:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Trainer, "_update", dies)
        train(tokenizer, tmp_path / "killed")
    resumed, points_again = train(tokenizer, tmp_path / "killed")
    assert same(resumed.model.weights(), whole.model.weights())
    assert points_again == points


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
    monkeypatch.setattr(Trainer, "_validation_loss", lambda *_: next(losses))
    _, points = train(tokenizer, tmp_path / "work", max_updates=1000, patience=3)
    assert [point.validation_loss for point in points] == [3.0, 2.0, 2.5, 2.6, 2.1]


def test_the_checkpoints_of_lowest_loss_are_averaged(tokenizer, tmp_path):
    trainer, points = train(tokenizer, tmp_path / "work", average_checkpoints=2)
    chosen = sorted(points, key=lambda point: point.validation_loss)[:2]
    kept = sorted((tmp_path / "work").glob("weights-*"))
    assert [file.name for file in kept] == sorted(f"weights-{point.update:09d}.safetensors" for point in chosen)
    first, second = map(load_file, kept)
    for name, weight in trainer.model.weights().items():
        torch.testing.assert_close(weight, (first[name] + second[name]) / 2)
        assert not torch.equal(first[name], second[name])


def test_the_rate_rises_linearly_and_falls_by_its_schedule():
    def rates(schedule, losses=()):
        updates = (50, 100, 400, 1000)
        return [learning_rate(schedule, 0.5, Progress(update, 100, 1000, losses)) for update in updates]

    assert rates("inverse_sqrt") == pytest.approx([0.25, 0.5, 0.25, 0.5 / math.sqrt(10)])
    assert rates("cosine") == pytest.approx([0.25, 0.5, 0.375, 0.0])
    assert rates("constant") == pytest.approx([0.25, 0.5, 0.5, 0.5])
    assert rates("plateau", [3.0, 2.0, 2.1, 2.0, 1.9]) == pytest.approx([0.25, 0.5, 0.125, 0.125])
    for schedule in SCHEDULES:
        TRAINING.model_validate(TRAINING.model_dump() | {"schedule": schedule})


def test_r_drop_without_dropout_is_the_plain_loss_and_with_it_more(tokenizer):
    pairs = tiny_pairs(tokenizer)
    batch = pairs.batch(np.arange(8))
    still, moving = (BatchLoss(tiny_model(tokenizer, dropout=rate).train(), None) for rate in (0.0, 0.3))
    assert still(batch, 0.1, r_drop=5.0).item() == pytest.approx(still(batch, 0.1).item(), rel=1e-5)
    torch.manual_seed(1)
    plain = (moving(batch, 0.1) + moving(batch, 0.1)).item() / 2
    torch.manual_seed(1)
    assert moving(batch, 0.1, r_drop=5.0).item() > plain + 0.01


def test_the_divergence_is_that_of_the_distributions():
    first, second, weight = (torch.randn(*size) for size in ((6, 4), (6, 4), (9, 4)))
    p, q = (torch.distributions.Categorical(logits=hidden @ weight.t()) for hidden in (first, second))
    both = (torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)).sum() / 2
    torch.testing.assert_close(divergence(first, second, weight), both)


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


@pytest.mark.parametrize("change", [{"r_drop": 1.0}, {"adversarial": 0.5}, {"schedule": "plateau"}])
def test_each_way_of_training_lowers_the_loss(tokenizer, tmp_path, change):
    _, points = train(tokenizer, tmp_path / "work", **change)
    assert points[-1].validation_loss < points[0].validation_loss


def test_a_loss_that_is_not_a_number_says_where_and_what_to_do(tokenizer, tmp_path):
    pairs = tiny_pairs(tokenizer)
    model = tiny_model(tokenizer)
    with torch.no_grad():
        model.encoder_norm.weight[0] = float("nan")
    with pytest.raises(UserError, match=r"nan at update 1 .*lower the learning rate"):
        Trainer(model, TRAINING, tmp_path, CPU, None).train([pairs], pairs, "test")


def data_of(real, synthetic, tag=True):
    return TrainingData(lambda: [real], lambda: [synthetic], len(real) + len(synthetic), tiny_corpus(), tag)


def test_synthetic_sources_alone_bear_the_tag(tokenizer):
    corpus = tiny_corpus()
    for tag in (True, False):
        parts = list(data_of(corpus[:3], corpus[3:5], tag).encode(tokenizer))
        tagged = [source[0] == BT for sources, _ in parts for source in sources]
        assert tagged == [False, False, False, tag, tag]
    sources, targets = zip(*data_of(corpus[:3], corpus[3:5]).reverse().encode(tokenizer.reverse()), strict=True)
    assert sources[0] == [[*one, EOS] for one in tokenizer.encode_target(corpus["target"][:3].tolist())]
    assert targets[0] == [one[:-1] for one in tokenizer.encode_source(corpus["source"][:3].tolist())]


def test_parts_of_a_batch_make_the_same_step(tokenizer, tmp_path):
    _, whole = train(tokenizer, tmp_path / "whole", dropout=0.0)
    _, parts = train(tokenizer, tmp_path / "parts", dropout=0.0, accumulate=3)
    for loss in ("train_loss", "validation_loss"):
        expected = [getattr(point, loss) for point in whole]
        assert [getattr(point, loss) for point in parts] == pytest.approx(expected, rel=1e-4)


def test_an_empty_training_set_is_one_clear_line(tokenizer, tmp_path):
    corpus = tiny_corpus()
    options = {"tokenizer": tokenizer, "languages": LANGUAGES, "task": "translation"}
    options |= {"architecture": "transformer", "model_params": SMALL}
    options |= {"params": TRAINING, "runtime": RUNTIME, "origin": {}, "label": "train"}
    with pytest.raises(UserError, match="the training set is empty"):
        fit(data_of(corpus[:0], corpus[:0]), work=tmp_path, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_curve_can_be_read_back_and_an_empty_one_has_its_header(tmp_path):
    from seq2seq.training import write_curve

    write_curve(tmp_path / "curve.csv", [Point(5, 1, 0.5, 3.0, 2.0)])
    assert (tmp_path / "curve.csv").read_text().splitlines() == [
        "update,epoch,lr,train_loss,validation_loss",
        "5,1,0.5,3.0,2.0",
    ]
    write_curve(tmp_path / "curve.csv", [])
    assert (tmp_path / "curve.csv").read_text() == "update,epoch,lr,train_loss,validation_loss\n"
