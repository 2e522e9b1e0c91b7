"""Training in several processes: real ones, started by torchrun, that talk over gloo."""

import json
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from seq2seq.core.errors import UserError
from seq2seq.training.distributed import ALONE, join_processes
from tests.tiny_models import TRAINING

ROOT = Path(__file__).parents[2]
WORKER = """
import json, sys
from pathlib import Path

import torch

from seq2seq.training.distributed import join_processes
from seq2seq.training.trainer import Trainer
from seq2seq.training.validation_score import GreedyScore
from tests.tiny_models import TRAINING, tiny_pairs, tiny_tokenizer
from tests.models.test_architectures import build
from tests.trainings import direction_of

folder, shape, updates = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(1)
device = torch.device("cpu")
processes = join_processes(device)
if processes.is_first:
    folder.mkdir(exist_ok=True)
    tiny_tokenizer(folder / "tokenizer")
processes.wait()
from seq2seq.tokenizers.load import load_tokenizer
tokenizer = load_tokenizer(folder / "tokenizer")
# batches of a pair or two: at times there is none for the second process
params = TRAINING.model_copy(update={"max_updates": updates, "accumulate": 2, "batch_tokens": 60})
pairs = tiny_pairs(tokenizer)
score = GreedyScore("chrf", direction_of(tokenizer), device, processes)
trainer = Trainer(build(shape, tokenizer, dropout=0.0), params, folder, device, None, processes, score)
points = trainer.train(lambda _: [pairs], pairs, "test")
if processes.is_first:
    values = [[one.train_loss, one.validation_loss, one.validation_score] for one in points]
    result = {"processes": processes.count, "points": values}
    (folder / "result.json").write_text(json.dumps(result))
processes.wait()
"""


def test_processes_that_something_else_than_torchrun_started_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert join_processes(torch.device("cpu")) == ALONE
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="WORLD_SIZE is 2, but torchrun did not start this process"):
        join_processes(torch.device("cpu"))


def test_processes_wait_for_hours_while_the_first_one_encodes(tmp_path, monkeypatch):
    variables = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    for name, value in (variables | {"TORCHELASTIC_RUN_ID": "test"}).items():
        monkeypatch.setenv(name, str(value))
    join_processes(torch.device("cpu"))
    try:
        backend = dist.group.WORLD._get_backend(torch.device("cpu"))  # nothing public tells
        assert backend.options._timeout >= timedelta(hours=12)
    finally:
        dist.destroy_process_group()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def train(folder, processes, shape="transformer", updates=TRAINING.max_updates):
    folder.parent.mkdir(exist_ok=True)
    (folder.parent / "worker.py").write_text(WORKER)
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(launch if processes > 1 else []), str(folder.parent / "worker.py"), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, shape, str(updates)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((folder / "result.json").read_text())
    assert result["processes"] == processes
    return [value for point in result["points"] for value in point]


@pytest.mark.parametrize("shape", [pytest.param("recurrent-luong", marks=pytest.mark.slow), "convolutional"])
def test_two_processes_learn_as_one_does_whatever_they_train(tmp_path, shape):
    alone = train(tmp_path / "alone", 1, shape)
    assert train(tmp_path / "together", 2, shape) == pytest.approx(alone, rel=1e-4)


@pytest.mark.slow
def test_two_processes_learn_as_one_does_and_either_goes_on_for_the_other(tmp_path):
    alone = train(tmp_path / "alone", 1)
    assert train(tmp_path / "together", 2) == pytest.approx(alone, rel=1e-4)
    train(tmp_path / "first", 2, updates=10)
    assert train(tmp_path / "first", 1) == pytest.approx(alone, rel=1e-4)
