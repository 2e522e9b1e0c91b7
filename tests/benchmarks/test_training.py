import itertools
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import training_jobs
from benchmarks.engines import matrix_products, ours
from benchmarks.engines.job import Job, Pairs
from benchmarks.training import Found, compare, table, tokens_of_turns
from benchmarks.training_jobs import describe, make_job, unsorted
from seq2seq.core.errors import UserError
from seq2seq.models.batches import PairedSequences
from seq2seq.models.transformer import Transformer, TransformerParams
from seq2seq.text.corpus import write_corpus
from seq2seq.tokenizers.base import PAD
from seq2seq.training.objective import BatchLoss
from seq2seq.training.trainer import Trainer
from tests.tiny_models import RUNTIME, tiny_corpus, tiny_tokenizer


@pytest.fixture
def folder(tokenizer, tmp_path) -> Path:
    """What a run leaves, on the tiny corpus."""
    tokenizer.save(tmp_path / "models" / "tokenizer")
    for name, lines in (("train", tiny_corpus()), ("validation", tiny_corpus()[:5])):
        write_corpus(tmp_path / "data" / "clean" / name, [lines])
    return tmp_path


@pytest.fixture
def job(folder, monkeypatch) -> Job:
    monkeypatch.setattr(training_jobs, "WARMUP", 2)
    monkeypatch.setattr(training_jobs, "BATCH_TOKENS", 200)
    made = make_job(folder, updates=3, rounds=2)
    return replace(made, runtime=RUNTIME.model_dump(mode="json"))


class Count:
    updates = 0

    def count(self, *_: object) -> None:
        self.updates += 1


def test_ours_trains_on_the_batches_whose_tokens_are_counted(job, monkeypatch):
    seen = []
    update = Trainer._update

    def spy(trainer, pairs, rows):
        seen.append((rows.tolist(), int(pairs.batch(rows).tgt_mask.sum())))
        update(trainer, pairs, rows)

    monkeypatch.setattr(Trainer, "_update", spy)
    turns = Count()

    found = ours.train(job, turns)

    assert [rows for rows, _ in seen] == job.train.batches
    assert [tokens for _, tokens in seen] == [job.train.target_tokens(batch) for batch in job.train.batches]
    assert turns.updates == job.total_updates == len(seen) == 8
    assert tokens_of_turns(job) == [sum(tokens for _, tokens in seen[start : start + 3]) for start in (2, 5)]
    assert 0 < found["validation_loss"] < 2 * math.log(job.vocabulary)


def test_engines_take_turns_and_one_that_cannot_train_is_left_out(job, tmp_path, capsys):
    here = Path(sys.executable)

    found = compare({"ours": here, "joeynmt": here, "matrix_products": here}, job, tmp_path)

    assert list(found) == ["ours", "matrix_products"]
    assert "joeynmt can't train here: ModuleNotFoundError: No module named 'joeynmt'" in capsys.readouterr().out
    assert len(found["ours"].speeds) == len(found["matrix_products"].speeds) == job.turns
    assert found["ours"].weights == sum(w.numel() for w in Transformer(*_shape(job)).parameters())
    assert found["ours"].tokens == describe(job.train)["tokens"]
    assert found["matrix_products"].validation_loss is None


def _shape(job):
    return TransformerParams.model_validate(job.model), job.vocabulary, job.vocabulary, True


def test_ratios_are_taken_round_by_round():
    found = {
        "ours": Found([100.0, 300.0, 200.0], 10.0, 2.0, 7),
        "peer": Found([50.0, 100.0, 200.0], 12.4, 2.01, 8000),
        "limit": Found([400.0, 400.0, 400.0], 10.0, None, None),
    }
    assert table(found)[2:] == [
        "| ours | 200 (100 to 300) | 1.00 (1.00 to 1.00) | 10 | 7 | 2.000 | +0.0% |",
        "| peer | 100 (50 to 200) | 2.00 (1.00 to 3.00) | 12 | 8,000 | 2.010 | +0.5% |",
        "| limit | 400 (400 to 400) | 0.50 (0.25 to 0.75) | 10 |  |  |  |",
    ]


def test_unsorted_batches_hold_as_many_pairs_and_each_pair_once_an_epoch(job):
    drawn = unsorted(job.train).batches
    size = round(sum(map(len, job.train.batches)) / len(job.train.batches))
    assert len(drawn) == job.total_updates
    assert {len(batch) for batch in drawn} == {size}
    epoch = list(itertools.chain(*drawn[: len(job.train.src) // size]))
    assert len(set(epoch)) == len(epoch) > 1
    assert describe(unsorted(job.train))["real"] < describe(job.train)["real"] <= 1


def test_a_job_survives_the_way_to_an_engine(job, tmp_path):
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job


def test_validation_loss_counts_real_pieces_alone(job):
    def predict(src, tgt_in):
        return torch.zeros(*tgt_in.shape, job.vocabulary) + (tgt_in == PAD)[..., None] * torch.randn(job.vocabulary)

    assert len({len(tgt) for tgt in job.validation.tgt}) > 1  # so that there is padding
    assert job.validation_loss(predict) == pytest.approx(math.log(job.vocabulary))


def test_the_bare_products_are_those_of_a_training_step(job):
    whole = replace(job, train=Pairs(job.train.src, job.train.tgt, [list(range(len(job.train.src)))]))
    batch = PairedSequences.of(job.train.src, job.train.tgt).batch(torch.arange(len(job.train.src)).numpy())
    model = BatchLoss(Transformer(*_shape(job)), None)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as real:
        model(batch, 0.0).backward()
    with FlopCounterMode(display=False) as bare:
        matrix_products.train(whole, Count())
    unknown = 2 * whole.train.target_tokens(whole.train.batches[0]) * model.model.output_weight.numel()  # addmm_
    assert bare.get_total_flops() == real.get_total_flops() + unknown


def test_a_run_without_pairs_or_with_two_vocabularies_is_a_users_error(folder, tmp_path):
    with pytest.raises(UserError, match="holds no tokenizer"):
        make_job(tmp_path / "nowhere", 1, 1)
    write_corpus(folder / "data" / "clean" / "validation", [tiny_corpus()[:0]])
    with pytest.raises(UserError, match="has no pairs"):
        make_job(folder, 1, 1)
    (folder / "models" / "tokenizer" / "joint.model").unlink()
    tiny_tokenizer(folder / "models" / "tokenizer", "separate")
    with pytest.raises(UserError, match="not joint"):
        make_job(folder, 1, 1)
