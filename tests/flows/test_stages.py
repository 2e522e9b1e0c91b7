"""The stage graph: what DVC is told about the code of each stage, and how a stage is run."""

import ast
import json
import re
import subprocess
import threading
from pathlib import Path

import pytest
import zc.lockfile  # type: ignore[import-untyped]

from flows.processes import Children
from flows.runs import resolve
from flows.stages import StageError, read_stages, run_module, run_stage
from flows.workspace import open_workspace
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.params import dump_yaml, read_yaml
from tests.toy_project import REPOSITORY, executed, make_toy_project

# DVC's own use of its dependency pygtrie
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

STAGES = read_yaml(REPOSITORY / "dvc.yaml")["stages"]


@pytest.mark.parametrize("name", [name for name in STAGES if name != "code"])
def test_a_stage_depends_on_the_code_of_its_program_and_on_no_module(name):
    deps = STAGES[name]["deps"]
    command = STAGES[name]["cmd"]
    program = re.search(r"-m tasks[.](\w+)", command)
    code = f"code/{program[1]}.txt"
    served = ["code/served.txt"] if name == "register" else []
    assert [one for one in deps if one.startswith("code/")] == [code, *served]
    assert not [one for one in deps if one.endswith((".py", ".lock")) or one.split("/")[0] in ("seq2seq", "tasks")]
    assert set(re.findall(r"--code (\S+)", command)) <= {code}


def source_of(module):
    return REPOSITORY.joinpath(*module.split(".")).with_suffix(".py")


def sections_read(module):
    """The sections of params.yaml that the source of a stage loads by name."""
    calls = [one for one in ast.walk(ast.parse(source_of(module).read_text())) if isinstance(one, ast.Call)]
    loads = [call.args for call in calls if getattr(call.func, "id", "") == "load_section"]
    return {name.value for _, name, *_ in loads if isinstance(name, ast.Constant)}


@pytest.mark.parametrize("name", STAGES)
def test_params_are_those_that_the_stage_reads(name):
    listed = STAGES[name].get("params", [])
    if listed == [{"params.yaml": None}]:  # the whole file
        return
    found = re.search(r"-m ([\w.]+)", STAGES[name]["cmd"])
    sections = {one.split(".")[0] for one in listed}
    read = sections_read(found[1])
    if "--decoding" in STAGES[name]["cmd"]:
        read.discard("decoding")  # it comes from that file
    assert read <= sections
    if found[1] == "tasks.train":
        assert {"model", "${model", name} <= sections


@pytest.fixture
def toy(tmp_path):
    return make_toy_project(tmp_path / "toy")


@pytest.fixture
def children(toy):
    tree, _ = resolve(toy, [], [])
    with open_workspace(toy, tree, [], [], "", print) as place, Children(place.folder, place.environment) as found:
        (toy / ".dvc" / "tmp").mkdir()
        yield found


def test_the_graph_is_dvcs(toy):
    stages = {stage.name: stage for stage in read_stages(toy, print)}
    assert next(iter(stages)) == "first"
    assert stages["last"].upstream == ("left", "right")
    assert not any(stage.unchanged for stage in stages.values())


def test_a_change_in_the_first_stage_alone_is_seen_by_those_after_it(toy, children):
    for stage in read_stages(toy, print):
        run_stage(stage.name, children, print)
    assert all(stage.unchanged for stage in read_stages(toy, print))
    for changed, seen in {
        "decoding.beam_size=6": {"last"},
        "train.lr=0.25": {"first", "left", "right", "last"},
    }.items():
        tree, _ = resolve(REPOSITORY, [], [changed])
        (toy / "params.yaml").write_text(dump_yaml(tree))
        assert {stage.name for stage in read_stages(toy, print) if not stage.unchanged} == seen


@pytest.mark.parametrize("name", ["left", "right"])
def test_a_stage_waits_for_all_before_it(toy, children, name):
    for stage in read_stages(toy, print):
        run_stage(stage.name, children, print)
    graph = toy / "dvc.yaml"
    graph.write_text(graph.read_text().replace(f"work.py {name} first", f"work.py  {name} first"))
    assert [stage.name for stage in read_stages(toy, print) if not stage.unchanged] == [name, "last"]


def test_a_lock_that_is_busy_when_a_stage_ends_does_not_undo_it(toy, children):
    (toy / "first.meets").write_text("holder")
    held = []

    def hold(line):
        if line == "first is at work":
            # DVC by itself gives up after 3 seconds
            held.append(zc.lockfile.LockFile(str(toy / ".dvc" / "tmp" / "lock")))
            threading.Timer(4.2, held[0].close).start()
            (toy / "holder.started").touch()  # only now may the stage end

    assert run_stage("first", children, hold)
    assert held
    assert not run_stage("first", children, print)
    assert executed(toy) == ["first"]


def test_files_that_another_dvc_works_on_are_waited_for(toy, children):
    told = []
    for act in (lambda say: read_stages(toy, say), lambda say: run_stage("first", children, say)):
        other = subprocess.Popen(["sleep", "600"])
        entry = {"pid": other.pid, "cmd": "dvc repro first"}
        (toy / ".dvc" / "tmp" / "rwlock").write_text(json.dumps({"write": {str(toy / "out" / "first.txt"): entry}}))

        def end_it(line, other=other):
            """Who is waited for ends when it is told that somebody waits."""
            if "is busy, it is being blocked by" in line:
                told.append(line)
                other.kill()
                other.wait()

        assert act(end_it)
        assert other.poll() is not None
    assert len(told) == 2


def test_a_lock_file_that_a_killed_dvc_left_unfinished_is_no_hindrance(toy, children):
    (toy / ".dvc" / "tmp" / "rwlock").write_text("")
    assert len(read_stages(toy, print)) == 4
    assert run_stage("first", children, print)


def test_stopping_ends_what_runs_and_starts_nothing_more(toy, children):
    (toy / "first.waits").write_text("600")
    stop = threading.Thread(target=children.stop)
    with pytest.raises(StageError, match="ended by SIGTERM"):
        run_stage("first", children, lambda line: stop.start() if line == "first is at work" else None)
    stop.join()
    with pytest.raises(InterruptedError):
        run_stage("first", children, print)


@pytest.fixture
def with_torchrun(toy):
    file = toy / "dvc.yaml"
    file.write_text(file.read_text().replace("python work.py first", "torchrun --nproc-per-node 2 work.py first"))


@pytest.mark.parametrize(
    ("fails", "error", "message"),
    [
        ("UserError", UserError, r"^first can't$"),
        ("TransientError", TransientError, r"^first can't$"),
        ("RuntimeError", StageError, r"^RuntimeError: first can't; the last line of its log: "),
        ("9", StageError, r"the last line of its log: traceback : Signal 9 \(SIGKILL\) received by PID \d+$"),
    ],
)
def test_how_a_stage_failed_is_told_through_torchrun_too(toy, children, with_torchrun, fails, error, message):
    (toy / "first.fails").write_text(f"{fails} 9")
    with pytest.raises(error, match=message):
        run_stage("first", children, print)


def test_what_an_earlier_failure_left_is_not_told_of_a_later_one(toy, children):
    (toy / "first.fails").write_text("UserError 1")
    with pytest.raises(UserError):
        run_stage("first", children, print)
    (toy / "first.fails").write_text("9 1")
    with pytest.raises(StageError, match=r"exited with (-9|137)"):  # 137 where the shell forks, as dash does
        run_stage("first", children, print)


def test_a_module_tells_how_it_failed_without_dvc_too(toy, children):
    (toy / "tasks").mkdir()
    code = f"import sys; sys.path = [{str(REPOSITORY)!r}, *sys.path[1:]]; sys.modules.pop('tasks')\n"
    code += "from seq2seq.core.errors import TransientError\nfrom tasks.stage import run\n"
    code += "def main(): raise TransientError('the server is away')\n"
    (toy / "tasks" / "register.py").write_text(f"{code}run(main)\n")
    with pytest.raises(TransientError, match=r"^the server is away$"):
        run_module("tasks.register", children, print)
    (toy / "tasks" / "register.py").write_text("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(StageError, match=r"^it was ended by SIGKILL; the last line of its log: there was no output$"):
        run_module("tasks.register", children, print)


def test_no_password_in_a_stages_output_is_passed_on(toy, children):
    (toy / "tasks").mkdir()
    (toy / "tasks" / "register.py").write_text(
        "print('View run at: http://ann:se/cr' + 'et@there/#/1'); raise KeyError"
    )
    told = []
    with pytest.raises(StageError, match="the last line of its log: KeyError"):
        run_module("tasks.register", children, told.append)
    assert told[0] == "View run at: http://***@there/#/1"
    (toy / "tasks" / "register.py").write_text(
        "import os; print('http://ann:secret@there', flush=True); os.kill(os.getpid(), 9)"
    )
    with pytest.raises(StageError, match=r"the last line of its log: http://\*\*\*@there$"):
        run_module("tasks.register", children, print)


def test_a_broken_dvc_yaml_is_a_users_mistake(toy):
    (toy / "dvc.yaml").write_text("stages:\n  first:\n    cdm: ls\n")
    with pytest.raises(UserError, match=r"dvc\.yaml"):
        read_stages(toy, print)


def test_a_folder_without_dvc_is_a_users_mistake(tmp_path):
    with pytest.raises(UserError, match="not inside of a DVC repository"):
        read_stages(Path(tmp_path), print)
