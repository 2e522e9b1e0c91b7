import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seq2seq.core.command_line import BUG, MISTAKE, TRY_AGAIN, UNAVAILABLE, USER_ERROR, Failure
from seq2seq.text.languages import LanguagesParams
from tasks.stage import FINISHED, digest_of_inputs, origin_of, read_failure, work_directory

ROOT = Path(__file__).parents[2]
PREFIX = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"


def run_main(body, cwd, **options):
    code = PREFIX + "import errno, os, time\nfrom seq2seq.core.errors import *\nfrom tasks.stage import *\n"
    code += f"def main():\n    {body}\nrun(main)\n"
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        ("raise UserError('a thing\\n is wrong')", USER_ERROR, "error: a thing is wrong"),
        ("raise TransientError('no network')", TRY_AGAIN, "error: no network"),
        (
            "raise OSError(errno.ENOSPC, 'No space', 'data/x')",
            USER_ERROR,
            "error: the disk is full while writing data/x",
        ),
        ("raise KeyboardInterrupt", 130, "error: interrupted"),
    ],
)
def test_a_failure_is_one_line_and_its_status(tmp_path, body, status, line):
    result = run_main(body, tmp_path)
    assert result.returncode == status
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_a_bug_keeps_its_traceback(tmp_path):
    result = run_main("raise KeyError('bug')", tmp_path)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
def test_a_really_full_disk_is_one_line(tmp_path):
    result = run_main("open('/dev/full', 'w').write('x' * 10**6)", tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (USER_ERROR, 1)
    assert "the disk is full" in result.stderr


def test_unfinished_work_is_kept_for_these_inputs_and_for_those_before_them(tmp_path):
    def begin(digest):
        """The checkpoints that are there when a stage begins; it leaves one more."""
        with work_directory("train", digest, tmp_path) as work:
            found = len(list(work.iterdir()))
            time.sleep(0.02)  # file systems tell times by a clock that ticks every few milliseconds
            (work / f"checkpoint-{found}").write_text("x")
            return found

    assert [begin(digest) for digest in ("one", "one", "two", "one", "three", "two")] == [0, 1, 0, 2, 0, 0]
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["lock", "three", "two"]


def test_work_bears_a_mark_from_the_time_that_a_stage_went_through_with_it_until_it_goes_on(tmp_path):
    mark = tmp_path / "train" / "one" / FINISHED
    with pytest.raises(ValueError, match="killed"), work_directory("train", "one", tmp_path):
        raise ValueError("killed")
    assert not mark.exists()
    for _ in range(2):
        with work_directory("train", "one", tmp_path):
            assert not mark.exists()
        assert mark.exists()


def test_unfinished_work_belongs_to_the_data_params_and_code_that_it_came_from(tmp_path):
    def digest(text: str = "a line", target: str = "de", code: str = "x.py 1", lines: int = 3) -> str:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / "part").write_text(text)
        (tmp_path / "code.txt").write_text(code)
        languages = LanguagesParams(source="en", target=target)
        inputs = {"mono": tmp_path / "data"}
        return digest_of_inputs(origin_of({"languages": languages}, inputs, tmp_path / "code.txt", lines=lines))

    first = digest()
    assert digest() == first
    assert len({first, digest(text="other"), digest(target="fr"), digest(code="x.py 2"), digest(lines=4)}) == 5


AS_A_STAGE = {"DVC_STAGE": "train"}


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("raise UserError('a thing\\n is wrong')", Failure(MISTAKE, "a thing is wrong")),
        ("raise TransientError('no network')", Failure(UNAVAILABLE, "no network")),
        ("raise OSError(errno.ENOSPC, 'No space', 'x')", Failure(MISTAKE, "the disk is full while writing x; free")),
        ("raise KeyError('bug')", Failure(BUG, "KeyError: 'bug'")),
        ("path_arguments('A stage.', 'out')", Failure(MISTAKE, "the following arguments are required: --out; --help")),
    ],
)
def test_a_stage_leaves_how_it_failed_until_it_starts_again(tmp_path, body, failure):
    assert read_failure("train", tmp_path) is None
    run_main(body, tmp_path, env=os.environ | AS_A_STAGE)
    left = read_failure("train", tmp_path)
    assert (left.kind, left.message[: len(failure.message)]) == (failure.kind, failure.message)
    assert run_main("pass", tmp_path, env=os.environ | AS_A_STAGE).returncode == 0
    assert read_failure("train", tmp_path) is None


def test_of_several_processes_the_first_to_fail_is_told_of(tmp_path):
    together = os.environ | AS_A_STAGE | {"TORCHELASTIC_RUN_ID": "test"}
    for rank, error in (("1", "UserError('it was me')"), ("0", "RuntimeError('somebody is gone')")):
        run_main(f"raise {error}", tmp_path, env=together | {"RANK": rank})
    assert read_failure("train", tmp_path) == Failure(MISTAKE, "it was me")


def test_a_command_that_is_no_stage_leaves_nothing(tmp_path):
    run_main("raise UserError('x')", tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_processes_never_work_on_one_stage_at_once(tmp_path):
    body = "with work_directory('s', 'd'): print(time.time()); time.sleep(0.5); print(time.time())"
    code = PREFIX + f"import time\nfrom tasks.stage import work_directory\n{body}\n"
    first, second = (
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    spans = sorted(tuple(map(float, process.communicate()[0].split())) for process in (first, second))
    assert spans[0][1] <= spans[1][0]


def test_two_processes_of_dvc_never_run_one_stage_at_once(tmp_path):
    environment = os.environ | {"DVC_STAGE": "clean"}
    code = PREFIX + "import time\nfrom tasks.stage import run\n"
    code += "run(lambda: (print(time.time()), time.sleep(0.5), print(time.time())))\n"
    first, second = (
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    )
    spans = sorted(tuple(map(float, process.communicate()[0].split())) for process in (first, second))
    assert spans[0][1] <= spans[1][0]


@pytest.mark.parametrize("launch", [[], ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]])
def test_the_orphans_of_a_killed_dvc_end_soon(tmp_path, launch):
    stage = PREFIX + "import time\nfrom tasks.stage import run\n"
    stage += "run(lambda: (print(__import__('os').getpid(), flush=True), time.sleep(600)))\n"
    (tmp_path / "stage.py").write_text(stage)
    code = f"import subprocess; subprocess.run({[sys.executable, *launch, 'stage.py']})"
    environment = os.environ | {"DVC_STAGE": "train"}
    dvc = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment
    )
    orphans = [int(dvc.stdout.readline()) for _ in range(2 if launch else 1)]
    dvc.kill()
    dvc.wait()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and any(Path(f"/proc/{orphan}").exists() for orphan in orphans):
        time.sleep(0.1)
    alive = [orphan for orphan in orphans if Path(f"/proc/{orphan}").exists()]
    for orphan in alive:
        os.kill(orphan, signal.SIGKILL)
    assert not alive
