import math
import re
import time
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seq2seq import token_store, training_data
from seq2seq.architectures import build_model
from seq2seq.batches import pad
from seq2seq.checkpoints import Checkpoints
from seq2seq.curve import Point, write_curve
from seq2seq.errors import UserError
from seq2seq.fitting import fit
from seq2seq.metrics import quick_score
from seq2seq.objective import BatchLoss, shifted
from seq2seq.processes import ALONE, Processes
from seq2seq.progress import Progress
from seq2seq.r_drop import r_drop_loss
from seq2seq.runtime import autocast_dtype, find_device
from seq2seq.schedules import SCHEDULES, Step, learning_rate
from seq2seq.search import beam_search
from seq2seq.token_store import TokenStore, write_token_store
from seq2seq.tokenizer import BOS, BT, EOS, PAD
from seq2seq.training import Trainer
from seq2seq.training_data import EpochStores, TrainingData
from seq2seq.validation import GreedyScore
from tests.models import (
    DECODING,
    LANGUAGES,
    RECURRENT,
    RUNTIME,
    SMALL,
    TRAINING,
    tiny_corpus,
    tiny_model,
    tiny_pairs,
    tiny_tokenizer,
)

CPU = torch.device("cpu")


def train(tokenizer, work, dropout=0.1, dtype=None, score=None, **changes):
    corpus, params = tiny_corpus(), TRAINING.model_copy(update=changes)
    data = data_of(corpus, corpus[:0])
    stores = EpochStores(data, tokenizer, params.subword_sampling, params.seed, 64, work, ALONE, "test")
    work.mkdir(exist_ok=True)
    trainer = Trainer(tiny_model(tokenizer, dropout=dropout), params, work, CPU, dtype, score=score)
    return trainer, trainer.train(stores, tiny_pairs(tokenizer), "test")


def data_of(real, synthetic, tag=True):
    return TrainingData(lambda: [real], lambda: [synthetic], len(real) + len(synthetic), tiny_corpus(), tag)


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tokenizer, tmp_path):
    runs = [train(tokenizer, tmp_path / str(run), seed=seed)[0].model.weights() for run, seed in enumerate([3, 3, 4])]
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


class KilledError(Exception):
    pass


@contextmanager
def killed_after(update, monkeypatch):
    """A block whose training ends after an update, as if killed."""
    original = Trainer._update

    def dies(self, pairs, rows):
        original(self, pairs, rows)
        if self.position.update == update:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Trainer, "_update", dies)
        yield


def killed_and_resumed(tokenizer, folder, monkeypatch, update, **options):
    """The learning curve of a training, after checking that it is the same, with the same weights, when killed."""
    whole, points = train(tokenizer, folder / "whole", **options)
    with killed_after(update, monkeypatch):
        train(tokenizer, folder / "killed", **options)
    resumed, points_again = train(tokenizer, folder / "killed", **options)
    assert same(resumed.model.weights(), whole.model.weights())
    assert points_again == points
    return points


@pytest.mark.parametrize("update", [1, 7, 12, 23])
def test_a_killed_training_resumed_ends_with_the_same_weights_and_curve(tokenizer, tmp_path, monkeypatch, update):
    killed_and_resumed(tokenizer, tmp_path, monkeypatch, update)


WAYS = {
    "accumulate": {"accumulate": 3},
    "adversarial": {"adversarial": 0.5},
    "bf16": {"dtype": torch.bfloat16},
    "cosine": {"schedule": "cosine"},
    "ema": {"ema": 0.8},
    "fp16": {"dtype": torch.float16},
    "plateau": {"schedule": "plateau", "lr": 0.5, "warmup_updates": 4, "validate_every": 2},
    "r_drop": {"r_drop": 1.0},
    "subword_sampling": {"subword_sampling": 0.3},
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_training_goes_on_exactly(tokenizer, tmp_path, monkeypatch, way):
    killed_and_resumed(tokenizer, tmp_path, monkeypatch, 13, max_updates=16, **WAYS[way])


def test_a_training_on_several_shards_goes_on_exactly(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(token_store, "PAIRS_PER_SHARD", 5)
    killed_and_resumed(tokenizer, tmp_path, monkeypatch, 13, max_updates=16)
    assert len(TokenStore(tmp_path / "whole" / "tokens-000000")) == 8


def test_a_training_that_a_score_stops_goes_on_exactly(tokenizer, tmp_path, monkeypatch):
    score = GreedyScore("chrf", tiny_corpus()[:8], tokenizer, "de", CPU, ALONE)  # BLEU is 0 as early as this
    options = {"score": score, "max_updates": 1000, "validate_every": 2, "patience": 2}
    points = killed_and_resumed(tokenizer, tmp_path, monkeypatch, 5, **options)
    assert len({point.validation_score for point in points}) == 3


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_serves(tokenizer, tmp_path, capfd):
    whole, _ = train(tokenizer, tmp_path / "whole")
    train(tokenizer, tmp_path / "damaged", max_updates=18)
    states = sorted((tmp_path / "damaged").glob("checkpoint-*"))
    assert [file.name for file in states] == ["checkpoint-000000015.pt", "checkpoint-000000018.pt"]
    states[1].unlink()  # the last validation of a training that was to end there
    train(tokenizer, tmp_path / "damaged", max_updates=20)
    newest = max((tmp_path / "damaged").glob("checkpoint-*"))
    data = newest.read_bytes()
    for damaged in (data[:-1], data[: len(data) // 2], data[:5000], b"", *with_a_changed_byte(data, 60)):
        newest.write_bytes(damaged)
        assert Checkpoints(tmp_path / "damaged").newest_state(CPU)["position"]["update"] == 15
        assert f"{newest} is damaged; going on from the one before it" in capfd.readouterr().err
    resumed, _ = train(tokenizer, tmp_path / "damaged")
    assert same(resumed.model.weights(), whole.model.weights())


def with_a_changed_byte(data, times):
    """Copies of a file that differ in one byte each, from the first to the last."""
    for place in np.linspace(0, len(data) - 1, times, dtype=int):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        yield bytes(changed)


def test_a_training_whose_only_checkpoint_is_damaged_starts_anew(tokenizer, tmp_path, capfd):
    train(tokenizer, tmp_path, max_updates=5)
    (file,) = tmp_path.glob("checkpoint-*")
    file.write_bytes(next(with_a_changed_byte(file.read_bytes(), 1)))
    assert Checkpoints(tmp_path).newest_state(CPU) is None
    assert capfd.readouterr().err.endswith(f"notice: {file} is damaged; starting anew\n")


def test_damaged_weights_are_not_averaged(tokenizer, tmp_path):
    train(tokenizer, tmp_path, max_updates=10)
    file = tmp_path / "weights-000000010.pt"
    for damaged in with_a_changed_byte(file.read_bytes(), 5):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=f"{file} is damaged or missing; remove {tmp_path} and run"):
            Checkpoints(tmp_path).average([5, 10])


@pytest.mark.parametrize(
    ("architecture", "params"),
    [("transformer", SMALL.model_copy(update={"width": 48})), ("recurrent", RECURRENT)],
    ids=["wider", "recurrent"],
)
def test_a_checkpoint_of_another_model_is_refused(tokenizer, tmp_path, architecture, params):
    train(tokenizer, tmp_path, max_updates=5)
    other = build_model(architecture, params, tokenizer)
    with pytest.raises(UserError, match="belong to another model; remove the folder"):
        Trainer(other, TRAINING, tmp_path, CPU, None)


def test_processes_that_find_different_checkpoints_are_stopped(tokenizer, tmp_path):
    class Late(Processes):
        def gather(self, value):
            return [value, 0]

    train(tokenizer, tmp_path, max_updates=5)
    with pytest.raises(UserError, match=r"different checkpoints, of updates \[0, 5\], in .*; share that folder"):
        Trainer(tiny_model(tokenizer), TRAINING, tmp_path, CPU, None, Late(0, 2))


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
    score = GreedyScore(metric, corpus, tokenizer, "de", CPU, ALONE)
    trainer, points = train(tokenizer, tmp_path, score=score, max_updates=120, validate_every=60, dropout=0.0)
    src = pad(tokenizer.encode_source(list(corpus["source"])))
    greedy = DECODING.model_copy(update={"beam_size": 1})
    found = beam_search(trainer.model, src, src != PAD, greedy, bos=BOS, eos=EOS, max_length=30)
    outputs = tokenizer.decode_target([one[0].tokens for one in found])
    expected = quick_score(outputs, list(corpus["target"]), "de", metric)
    assert score(trainer.model) == pytest.approx(expected)
    assert points[0].validation_score < points[1].validation_score


def test_precision_is_what_params_ask_for_and_by_itself_what_the_device_is_fast_at(monkeypatch):
    cuda = torch.device("cuda")
    dtypes = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
    for precision, dtype in dtypes.items():
        assert autocast_dtype(RUNTIME.model_copy(update={"precision": precision}), CPU) is dtype
    auto = RUNTIME.model_copy(update={"precision": "auto"})
    assert autocast_dtype(auto, CPU) is None
    for has_bf16, dtype in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has_bf16: has)
        assert autocast_dtype(auto, cuda) is dtype


def test_a_device_that_can_not_do_what_params_ask_for_is_told(monkeypatch):
    with pytest.raises(UserError, match=r"runtime\.precision fp16 needs a GPU; set it to float32"):
        find_device(RUNTIME.model_copy(update={"precision": "fp16"}))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    runtime = RUNTIME.model_copy(update={"device": "auto"})
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert find_device(runtime) == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UserError, match="torchrun starts 3 processes here, one for each GPU, but there are 2 GPUs"):
        find_device(runtime)


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
        Trainer(model, TRAINING, tmp_path, CPU, None).train(lambda _: [pairs], pairs, "test")


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


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_words_are_cut_anew_in_each_epoch_and_alike_in_the_same(tmp_path, algorithm):
    tokenizer, corpus = tiny_tokenizer(tmp_path / "tokenizer", algorithm=algorithm), tiny_corpus()

    def sources(work, epoch, alpha=0.3):
        work.mkdir(exist_ok=True)
        store = EpochStores(data_of(corpus, corpus[:0]), tokenizer, alpha, 7, 64, work, ALONE, "train")(epoch)
        assert [path.name for path in work.glob("tokens-*")] == [f"tokens-{epoch if alpha else 0:06d}"]
        return [store[0].src[row].tolist() for row in range(len(store[0]))]

    first, second = sources(tmp_path / "a", 0), sources(tmp_path / "a", 1)
    assert first != second
    assert second == sources(tmp_path / "b", 1)
    assert sources(tmp_path / "c", 0, alpha=0.0) == sources(tmp_path / "c", 1, alpha=0.0)
    texts = [tokenizer.reverse().decode_target([pieces[:-1]])[0] for pieces in second]
    assert texts == corpus["source"].tolist()


def test_batches_that_can_not_hold_the_longest_pair_are_refused(tokenizer, tmp_path):
    with pytest.raises(UserError, match=r"'train.batch_tokens' is 16, but a pair may have \d+ pieces; set it to"):
        fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=TRAINING.model_copy(update={"batch_tokens": 16}))


def fit_tiny(tokenizer, folder, corpus, params=TRAINING, model_params=SMALL):
    options = {"tokenizer": tokenizer, "languages": LANGUAGES, "task": "translation"}
    options |= {"architecture": "transformer", "model_params": model_params}
    options |= {"params": params, "runtime": RUNTIME, "origin": {}, "label": "train"}
    return fit(data_of(corpus, corpus[:0]), work=folder, out=folder / "out", **options)


def sampled(**changes):
    return TRAINING.model_copy(update={"subword_sampling": 0.3} | changes)


def test_a_resumed_training_cuts_words_for_the_epochs_that_it_sees_alone(tokenizer, tmp_path, monkeypatch):
    written = []

    def records(folder, *arguments):
        written.append(folder.name)
        write_token_store(folder, *arguments)

    monkeypatch.setattr(training_data, "write_token_store", records)
    with killed_after(17, monkeypatch):
        fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=sampled())
    before = len(written)
    fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=sampled())
    assert len(written) > before > 1
    assert written == [f"tokens-{epoch:06d}" for epoch in range(len(written))]


def test_encoding_the_corpus_does_not_count_as_time_of_updates(tokenizer, tmp_path, monkeypatch):
    hours, shown, monotonic = [], [], time.monotonic

    def takes_an_hour(*arguments):
        hours.append(3600)
        write_token_store(*arguments)

    def records(self, _amount, _note):
        shown.append(time.monotonic() - self.started)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + sum(hours))
    monkeypatch.setattr(training_data, "write_token_store", takes_an_hour)
    monkeypatch.setattr(Progress, "add", records)
    fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=TRAINING.model_copy(update={"max_updates": 2}))
    assert hours
    assert max(shown) < 3600


def test_pairs_that_are_too_long_as_an_epoch_cuts_them_are_told(tokenizer, tmp_path, capfd):
    short = SMALL.model_copy(update={"max_length": 24})
    fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=sampled(max_epochs=3), model_params=short)
    found = re.findall(r"train: (\d+) training pairs of epoch (\d) over 24 pieces are left out", capfd.readouterr().out)
    assert [epoch for _, epoch in found] == ["1", "2", "3"]
    assert len({count for count, _ in found}) > 1


def test_batches_hold_the_longest_pair_however_words_are_cut(tokenizer, tmp_path):
    params = sampled(batch_tokens=2 * SMALL.max_length - 1)
    with pytest.raises(UserError, match=r"'train.batch_tokens' is 127, but a pair may have 128 pieces"):
        fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=params)
    fit_tiny(tokenizer, tmp_path, tiny_corpus(), params=params.model_copy(update={"subword_sampling": 0.0}))


def test_an_empty_training_set_is_one_clear_line(tokenizer, tmp_path):
    with pytest.raises(UserError, match="the training set is empty"):
        fit_tiny(tokenizer, tmp_path, tiny_corpus()[:0])
    assert not (tmp_path / "out").exists()


def test_a_curve_can_be_read_back_and_an_empty_one_has_its_header(tmp_path):
    write_curve(tmp_path / "curve.csv", [Point(5, 1, 0.5, 3.0, 2.0)])
    assert (tmp_path / "curve.csv").read_text().splitlines() == [
        "update,epoch,lr,train_loss,validation_loss,validation_score",
        "5,1,0.5,3.0,2.0,",
    ]
    write_curve(tmp_path / "curve.csv", [])
    assert (tmp_path / "curve.csv").read_text() == "update,epoch,lr,train_loss,validation_loss,validation_score\n"
