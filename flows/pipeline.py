"""The pipeline as a Prefect flow: every stage of dvc.yaml that is not up to date, then registration and release.

``python -m flows.pipeline [--preset NAME]... [--set SECTION.KEY=VALUE]... [--name NAME]`` from the root folder.
"""

import importlib
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import State, flow, get_run_logger, task
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed, Failed

from flows.differences import SUMMARY
from flows.processes import Children
from flows.release import release
from flows.retries import RETRYING
from flows.runs import REGISTRATION, resolve, run_folder
from flows.server import expect_server, find_server
from flows.stages import CODE, REGISTER, Stage, StageError, read_stages, run_module, run_stage
from flows.summary import describe, publish_release, publish_reports, publish_stages
from flows.workspace import open_workspace
from registry.record import is_registered
from registry.store import open_store
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import read_json
from seq2seq.core.redaction import redact

# Loaded while we wait for Prefect's server to start
NEEDED_LATER = ("dvc.repo", "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store")

# Names of failed states; where neither fits, it is Prefect's own "Failed"
BAD_INPUT = "BadInput"  # the user can mend it, trying again can't
UNAVAILABLE = "Unavailable"  # trying again may help


def _attempt(work: Callable[[], bool]) -> State[Any]:
    """Do the work; return a state whose name says how it went, and whose data are the seconds that it took."""
    started = time.monotonic()
    try:
        executed = work()
    except UserError as error:
        return Failed(name=BAD_INPUT, message=str(error))
    except TransientError as error:
        return Failed(name=UNAVAILABLE, message=str(error), data=error)
    except StageError as error:
        return Failed(message=str(error))
    seconds = time.monotonic() - started
    if executed:
        return Completed(message=f"ran for {seconds:.1f} s", data=seconds)
    return Completed(name="Cached", message="its outputs are those of an earlier run", data=seconds)


@task(**RETRYING)
def run_one(stage: Stage, children: Children) -> State[Any]:
    """Bring one stage up to date through DVC; the task has the stage's name."""
    say = get_run_logger().info
    return _attempt(lambda: not stage.unchanged and run_stage(stage.name, children, say))


@task(name="record", task_run_name="record", **RETRYING)
def record(children: Children) -> State[Any]:
    """Register the model; DVC runs no code for a cached stage, and the MLflow store may be another one today."""
    say = get_run_logger().info
    return _attempt(lambda: not _is_recorded(children.folder) and run_module("tasks.register", children, say))


def _is_recorded(folder: Path) -> bool:
    """Whether today's store has the version that the last run registered; that spares a process that imports MLflow."""
    files = folder / SUMMARY, folder / REGISTRATION
    if not all(file.exists() for file in files):
        return False
    with open_store(away=TransientError) as store:
        return is_registered(store, *map(read_json, files))


def _run_stages(folder: Path, children: Children) -> dict[str, State[Any]]:
    """Run each stage after those that it depends on, side by side where they don't depend on each other.

    If code has changed, the stage `code` runs first: after an edited comment all other stages are then unchanged.
    """
    futures: dict[str, PrefectFuture[Any]] = {}
    logging.getLogger("prefect.task_runs").addFilter(_say_which_wait_in_vain)

    def submit(stage: Stage) -> None:
        named = run_one.with_options(name=stage.name, task_run_name=stage.name)
        upstream = [futures[name] for name in stage.upstream]
        futures[stage.name] = named.submit(stage, children, wait_for=upstream, return_state=False)

    say = get_run_logger().info
    stages = {stage.name: stage for stage in read_stages(folder, say)}
    if CODE in stages and not stages[CODE].unchanged:
        submit(stages.pop(CODE))
        wait([futures[CODE]])
        stages = {stage.name: stage for stage in read_stages(folder, say) if stage.name != CODE}
    for stage in stages.values():
        submit(stage)
    wait(list(futures.values()))
    return {name: future.state for name, future in futures.items()}


def _say_which_wait_in_vain(record: logging.LogRecord) -> bool:
    """In place of Prefect's error for each stage behind a failed one, which would hide that one, a plain line."""
    if record.getMessage().startswith("Finished in state NotReady"):
        record.msg = "not run, as a stage before it failed"
        record.args = ()
        record.levelno = logging.INFO
        record.levelname = "INFO"
    return True


def _failure(states: dict[str, State[Any]]) -> State[Any] | None:
    """The flow's failed state, where a stage failed."""
    failed = {name: state for name, state in states.items() if state.is_failed() or state.is_crashed()}
    if not failed:
        return None
    names = {state.name for state in failed.values()}
    name = BAD_INPUT if BAD_INPUT in names else UNAVAILABLE if names == {UNAVAILABLE} else "Failed"
    return Failed(name=name, message="; ".join(f"{stage}: {state.message}" for stage, state in failed.items()))


@flow(name="pipeline")
def pipeline(presets: tuple[str, ...] = (), overrides: tuple[str, ...] = (), name: str = "") -> State[Any]:
    """Bring every stage up to date, register the model, and promote it if it is good enough.

    Args:
        presets: names of files in presets/, laid over params.yaml in this order.
        overrides: assignments SECTION.KEY=VALUE, laid over that.
        name: of the folder in runs/ that the run works in; if empty, its presets and overrides name it.

    Returns:
        A completed state whose data are a summary in words, or a failed one whose message says what to mend.
    """
    from flows.parameters import check_store, read_parameters

    say = get_run_logger().info
    root = Path.cwd()
    try:
        tree, params = read_parameters(root, presets, overrides, name)
        check_store(params)
        with (
            open_workspace(root, tree, presets, overrides, name, say) as workspace,
            Children(workspace.folder, workspace.environment) as children,
        ):
            states = _run_stages(workspace.folder, children)
            released = None
            if REGISTER in states and not _failure(states):
                states["record"] = record(children, return_state=True)
                if states["record"].is_completed():
                    made = read_json(workspace.folder / REGISTRATION)
                    released = release(made["name"], made["version"], params.release, params.evaluation.scorers)
                    say(f"{made['name']} version {made['version']}: {released[0].reason}")
            # what needs Prefect's server comes last
            publish_stages(states)
            if failure := _failure(states):
                return failure  # the reports are those of an earlier run
            publish_reports(workspace.folder)
            if released:
                publish_release(*released)
            return Completed(message="up to date", data=describe(workspace.folder, released[0] if released else None))
    except UserError as error:
        return Failed(name=BAD_INPUT, message=str(error))
    except TransientError as error:
        return Failed(name=UNAVAILABLE, message=str(error))


def main() -> None:
    """Check the command line and the params before Prefect starts, run the flow, and print how it went."""
    parser = ArgumentParser(prog="python -m flows.pipeline", description=__doc__)
    parser.add_argument(
        "--preset", action="append", default=[], metavar="NAME", help="lay presets/NAME.yaml over params.yaml"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one value for this run"
    )
    parser.add_argument(
        "--name", default="", help="of the run's folder in runs/; by default its presets and a digest of what was set"
    )
    arguments = parser.parse_args()
    resolve(Path.cwd(), arguments.preset, arguments.set)  # tells a wrong name at once
    run_folder(Path.cwd(), arguments.preset, arguments.set, arguments.name)
    # SIGINT stays as we were given it: a shell has what it starts in the background ignore Ctrl-C, which is for others
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that what was started is ended
    wait_for_server = find_server()
    from flows.parameters import check_store, read_parameters

    # the flow checks this too; here a mistake is told before Prefect says a word
    _, params = read_parameters(Path.cwd(), arguments.preset, arguments.set, arguments.name)
    check_store(params)
    for module in NEEDED_LATER:
        importlib.import_module(module)
    with expect_server(wait_for_server()):
        state = pipeline(arguments.preset, arguments.set, arguments.name, return_state=True)
    if state.name == BAD_INPUT:
        raise UserError(state.message)
    if state.name == UNAVAILABLE:
        raise TransientError(state.message)
    if not state.is_completed():
        sys.exit(redact(f"error: {state.message}"))
    print(state.result())


if __name__ == "__main__":
    run(main)
