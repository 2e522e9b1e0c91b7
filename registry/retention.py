"""What the registry may lose: versions that were never released, beyond the newest few, and runs without a version."""

import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.commits import CHANGES
from registry.store import Store
from registry.turns import take_turn
from registry.versions import RegisteredModel
from seq2seq.core.errors import UserError

QUIET = 24 * 3600 * 1000  # milliseconds; a run to which something was logged since then may go on


@dataclass(frozen=True)
class Run:
    """An MLflow run, with what goes with it."""

    run_id: str
    models: tuple[str, ...]  # ids of those that it logged
    folders: tuple[Path, ...]  # of their artifacts and its own, where the store is a local one
    files: frozenset[str]  # its artifacts: those at the top, and the changes to its commit


def all_versions(store: Store) -> list[Any]:
    """Every version of every registered model."""
    return list(_paged(store.client.search_model_versions))


def models_of(store: Store, named: Collection[str]) -> list[RegisteredModel]:
    """The registered models that are the checkout's: all of a local store; of a server those that it names."""
    names = {version.name for version in all_versions(store)}
    return [RegisteredModel(store.client, name) for name in sorted(names if store.artifacts else names & set(named))]


def surplus_versions(model: RegisteredModel, keep: int, in_use: Collection[int]) -> list[Any]:
    """The versions but for the newest, those in use, those that bear an alias, and those that ever were champion.

    Args:
        model: whose versions.
        keep: how many of the newest stay in any case.
        in_use: numbers of versions that something else needs.
    """
    model.mend()  # what somebody made champion by hand counts as well
    newest = sorted(model.versions, reverse=True)[:keep]
    stay = {*newest, *in_use, *model.aliases.values(), *model.released()}
    return [version for number, version in sorted(model.versions.items()) if number not in stay]


def remove_version(store: Store, version: Any) -> None:
    """Remove a version, but not its run.

    Raises:
        UserError: it was given an alias since it was chosen.
    """
    with take_turn(store.client, version.name):  # nobody can make it champion meanwhile
        now = store.client.get_model_version(version.name, version.version)
        if now.aliases:
            raise UserError(f"version {now.version} of '{now.name}' is {', '.join(now.aliases)} by now; collect again")
        store.client.delete_model_version(version.name, version.version)


def runs_without_version(store: Store, names: Collection[str], kept: Collection[str], now: float) -> list[Run]:
    """The finished runs in the experiments of these models that belong to no version.

    Args:
        store: where they are.
        names: of registered models, which are those of their experiments.
        kept: ids of runs that belong to a version.
        now: the time, in milliseconds since 1970; a run that was active within a day stays.
    """
    experiments = [store.client.get_experiment_by_name(name) for name in sorted(names)]
    ids = [one.experiment_id for one in experiments if one and one.lifecycle_stage != "deleted"]
    finished = [run for one in ids for run in _paged(store.client.search_runs, [one]) if run.info.status != "RUNNING"]
    unused = [
        run.info.run_id for run in finished if run.info.run_id not in kept and _last_sign(store, run) < now - QUIET
    ]
    return [found for run_id in unused if (found := find_run(store, run_id))]


def _last_sign(store: Store, run: Any) -> float:
    """When something was last logged, in milliseconds: the run of a live learning curve has an end from the start."""
    times = [run.info.start_time, run.info.end_time or 0]
    for key in run.data.metrics:
        times += [point.timestamp for point in store.client.get_metric_history(run.info.run_id, key)]
    return float(max(times))


def find_run(store: Store, run_id: str) -> Run | None:
    """A run with what goes with it, or nothing where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        run = store.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    models = store.client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    folders = list[Path]()
    if store.artifacts:
        place = store.artifacts / store.client.get_experiment(run.info.experiment_id).name
        folders = [place / run_id, *(place / "models" / model.model_id for model in models)]
    files = [item.path for where in ("", CHANGES) for item in store.client.list_artifacts(run_id, where)]
    return Run(
        run_id,
        tuple(model.model_id for model in models),
        tuple(folder for folder in folders if folder.exists()),
        frozenset(files),
    )


def remove_run(store: Store, run: Run) -> None:
    """Put a run into MLflow's trash, and remove its artifacts from a local store: they are what takes the space.

    `mlflow gc` empties the trash, of what people put there too; so that is left to them.
    """
    for model in run.models:
        store.client.delete_logged_model(model)
    store.client.delete_run(run.run_id)
    for folder in run.folders:
        shutil.rmtree(folder)


def _paged(search: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
    """All that a search finds, page by page."""
    page = search(*arguments)
    while True:
        yield from page
        if not page.token:
            return
        page = search(*arguments, page_token=page.token)
