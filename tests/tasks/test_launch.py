"""Stage `train` as processes: killed and gone on with, by one process or two, on one machine or two."""

import os
import random
import shlex
import signal
import subprocess
import sys

import pandas as pd
import pytest

from flows.runs import resolve
from seq2seq.core.files import sha256_tree
from seq2seq.core.params import dump_yaml, read_yaml
from seq2seq.text.corpus import write_corpus
from tasks import train
from tests.tiny_models import tiny_corpus, tiny_tokenizer
from tests.toy_project import REPOSITORY
from tests.training.test_distributed import free_port

STAGES = read_yaml(REPOSITORY / "dvc.yaml")["stages"]
SMALL = [
    "transformer.encoder_layers=1",
    "transformer.decoder_layers=1",
    "transformer.width=32",
    "transformer.heads=2",
    "transformer.feed_forward=64",
    "transformer.max_length=64",
    "train.max_updates=60",
    "train.warmup_updates=10",
    "train.batch_tokens=200",
    "train.validate_every=5",
    "runtime.threads=1",
]
CODE = "torch==2.13.0\nseq2seq/training/fit.py 0a1b\n"  # a fingerprint of it
TORCHRUN = ["-m", "torch.distributed.run"]
LAUNCHES = {1: [], 2: [*TORCHRUN, "--standalone", "--nproc-per-node", "2"]}
DYING = """
import os, signal, sys, threading

from seq2seq.training.trainer import Trainer
from tasks.stage import run
from tasks.train import main

update, seconds = int(os.environ["DIES_AT"]), float(os.environ["DIES_AFTER"])
original = Trainer._update


def dies(self, pairs, rows):
    original(self, pairs, rows)
    if self.position.update >= update:
        threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGKILL]).start()


Trainer._update = dies
run(main)
"""


def arguments_of(stage):
    return shlex.split(STAGES[stage]["cmd"].partition(" -m tasks.train ")[2])


def set_params(project, *changes):
    (project / "params.yaml").write_text(dump_yaml(resolve(REPOSITORY, [], [*SMALL, *changes])[0]))


def make_project(folder, *changes):
    """A folder with what the stage reads."""
    corpus = tiny_corpus()
    tiny_tokenizer(folder / "models" / "tokenizer")
    for name, frame in {"clean/train": corpus, "clean/validation": corpus[:8], "clean/mono": corpus[:0]}.items():
        write_corpus(folder / "data" / name, [frame])
    write_corpus(folder / "data" / "synthetic", [])
    (folder / "code").mkdir()
    (folder / "code" / "train.txt").write_text(CODE)
    (folder / "dying.py").write_text(DYING)
    set_params(folder, *changes)
    return folder


def start(project, launch=(), program=("-m", "tasks.train"), **variables):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"} | variables
    command = [sys.executable, *launch, *program, *arguments_of("train")]
    return subprocess.Popen(command, cwd=project, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process):
    errors = process.communicate(timeout=240)[1]
    assert process.returncode == 0, errors


def kill(project, update, seconds=0.0, launch=()):
    """Train until all processes kill themselves, some seconds after an update."""
    variables = {"DIES_AT": str(update), "DIES_AFTER": str(seconds)}
    process = start(project, launch, ["dying.py"], **variables)
    errors = process.communicate(timeout=240)[1]
    assert process.returncode == (1 if launch else -signal.SIGKILL), errors  # torchrun's own status is 1


def losses(project):
    return pd.read_csv(project / "reports/curves/forward.csv")["validation_loss"].tolist()


def works(project):
    return [path.name for path in (project / ".work" / "train").iterdir() if path.is_dir()]


@pytest.mark.slow
def test_a_training_killed_at_random_moments_ends_with_the_same_bytes(tmp_path):
    changes = ["train.ema=0.8", "train.accumulate=2", "train.schedule=plateau", "train.subword_sampling=0.3"]
    whole, killed = (make_project(tmp_path / name, *changes) for name in ("whole", "killed"))
    finish(start(whole))
    chance = random.Random(1)
    for update in sorted(chance.sample(range(1, 50), 6)):
        kill(killed, update, chance.uniform(0, 0.1))
        assert works(killed) == works(whole)
    finish(start(killed))
    assert sha256_tree(killed / "models") == sha256_tree(whole / "models")
    assert sha256_tree(killed / "reports") == sha256_tree(whole / "reports")


@pytest.mark.slow
@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1)])
def test_what_some_processes_have_begun_another_number_of_them_goes_on_with(tmp_path, first, then):
    alone, project = (make_project(tmp_path / name, "transformer.dropout=0") for name in ("alone", "project"))
    finish(start(alone))
    kill(project, 22, launch=LAUNCHES[first])
    begun = works(project)
    set_params(project, "transformer.dropout=0", "train.launch=torchrun or python")
    finish(start(project, LAUNCHES[then]))
    assert works(project) == begun
    assert losses(project) == pytest.approx(losses(alone), rel=1e-3)


@pytest.mark.slow
def test_two_machines_learn_what_two_processes_on_one_do(tmp_path):
    one, two = (make_project(tmp_path / name) for name in ("one", "two"))
    finish(start(one, LAUNCHES[2]))
    nodes = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    machines = [start(two, [*TORCHRUN, *nodes, "--node-rank", rank]) for rank in ("0", "1")]
    for machine in machines:
        finish(machine)
    assert sha256_tree(two / "models") == sha256_tree(one / "models")
    assert sha256_tree(two / "reports") == sha256_tree(one / "reports")


@pytest.fixture
def fitted(tmp_path, monkeypatch):
    """What the stage gives to the library, with parameters that differ from those of the test."""
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", *arguments_of("train")])
    given = []
    monkeypatch.setattr("seq2seq.training.fit.fit", lambda *_, **options: given.append(options) or [])

    def run(*changes):
        set_params(tmp_path, *changes)
        train.main()
        return given[-1]

    return run


def test_unfinished_work_serves_any_number_of_processes_and_their_number_is_told(fitted):
    plain, two, longer = fitted(), fitted("train.launch=torchrun --nproc-per-node 2"), fitted("train.max_updates=61")
    assert plain["work"] == two["work"] != longer["work"]
    assert len({one["origin"]["params"] for one in (plain, two, longer)}) == 3


def test_edited_code_and_another_lock_file_each_start_new_work(fitted, tmp_path):
    given = [fitted()]
    for old, new in {"0a1b": "2c3d", "2.13.0": "2.13.1"}.items():
        (tmp_path / "code" / "train.txt").write_text(CODE.replace(old, new))
        given.append(fitted())
    assert len({one["work"] for one in given}) == 3
    assert len({one["origin"]["code"] for one in given}) == 3
    assert len({one["origin"]["data"] for one in given}) == 1


@pytest.mark.parametrize("name", ["data/clean/train", "data/clean/validation", "data/synthetic", "models/tokenizer"])
def test_other_data_and_another_tokenizer_start_new_work(fitted, tmp_path, name):
    before = fitted()
    (tmp_path / name / "changed").write_text("other bytes")
    after = fitted()
    assert after["work"] != before["work"]
    assert after["origin"]["data"] != before["origin"]["data"]


def test_of_several_processes_with_nothing_to_do_one_says_so(fitted, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["train", *arguments_of("train_backward")])
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    for rank in ("1", "0"):
        assert not (tmp_path / "models" / "backward").exists()
        monkeypatch.setenv("RANK", rank)
        train.main()
    assert (tmp_path / "models/backward/nothing.txt").exists()
    assert capfd.readouterr().out.count("nothing to do") == 1
