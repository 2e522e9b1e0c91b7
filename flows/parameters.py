"""Check before anything runs that a run has all it needs: params, corpora, models, devices and programs."""

import io
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from flows.runs import resolve, run_folder
from registry.start import fetch_start, registered_with
from registry.store import open_store
from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.errors import UserError
from seq2seq.core.params import overlay
from seq2seq.core.runtime import find_device
from seq2seq.metrics.scores import check_scorer
from seq2seq.pretrained.hub import check_model
from seq2seq.pretrained.start import check_pinned, check_start, parse_start
from seq2seq.settings import Parameters, check_parameters
from seq2seq.sources.catalogue import load_catalogue, select
from seq2seq.sources.readers.own import check_sources, find_sources
from tasks.stage import FETCHED

CATALOGUE = Path("data", "catalogue.yaml")  # as in dvc.yaml
PRETRAINED = Path("models", "pretrained")


def read_parameters(
    root: Path, presets: Sequence[str], overrides: Sequence[str], name: str = ""
) -> tuple[dict[str, Any], Parameters]:
    """Read the params of a run, and check before anything runs that all it needs is there.

    Returns:
        params.yaml with presets and overrides laid over it, as a tree and checked; in the tree a bundle to go on from
        is named by its digest too.

    Raises:
        UserError: a name, a key or a value is wrong, or a corpus, a model or a device is missing.
        TransientError: huggingface.co is busy.
    """
    tree, where = resolve(root, presets, overrides)
    params = check_parameters(tree, where)
    check_launch(params)
    check_scorers(params)
    check_corpora(params)
    folder = run_folder(root, presets, overrides, name)
    check_pretrained(params, folder)
    if params.train.start:
        start = find_start(root, params, pinned=folder == root)
        tree = overlay(tree, {"train": {"start": start}}, where)
    find_device(params.runtime)
    return tree, params


def check_store(params: Parameters) -> None:
    """Check that the MLflow store answers and lets this user register, which is needed after hours of training.

    Raises:
        UserError: none answers, MLFLOW_TRACKING_URI is no address of one, or the user may not.
    """
    languages = params.languages
    name = params.release.model_name(params.corpora.names, languages.source, languages.target)
    with open_store() as store:
        store.check_rights(name)


def check_launch(params: Parameters) -> None:
    """Check that the trainings can be started, before anything runs.

    Raises:
        UserError: there is no such program, or torchrun knows no such options.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # even if no backward model is wanted: its stage starts all the same, to say so
    for name, training in {"train": params.train, "train_backward": params.train_backward}.items():
        program, *options = training.launch.split() or [""]
        if not shutil.which(program, path=path):
            raise UserError(f"'{name}.launch': there is no program '{program}'; set it to python, or to torchrun ...")
        if Path(program).name == "torchrun":
            _check_torchrun(f"'{name}.launch' is '{training.launch}'", options)


def _check_torchrun(where: str, options: Sequence[str]) -> None:
    from torch.distributed.run import determine_local_world_size, get_args_parser

    said = io.StringIO()  # its usage, and in the last line what is wrong
    try:
        with redirect_stderr(said):
            known = get_args_parser().parse_args([*options, "-m", "tasks.train"])
        if determine_local_world_size(known.nproc_per_node) < 1:
            raise ValueError("--nproc-per-node must be 1 or more")
        if known.training_script != "tasks.train" or known.no_python:
            raise ValueError("it takes torchrun's options alone; the module to start is put behind them")
    except (SystemExit, ValueError) as error:
        reason = said.getvalue().strip().rpartition("error: ")[2] or str(error)
        raise UserError(f"{where}: {reason}; `torchrun --help` lists its options") from None


def check_scorers(params: Parameters) -> None:
    """Check that outputs can be scored, and pairs where a program filters them, before anything runs.

    Raises:
        UserError: the tokenizer that BLEU needs for a language is not installed, or the program of a scorer.
    """
    check_scorer(params.languages.target)
    for scorer in [*params.evaluation.scorers, *params.cleaning.scorers_of_all()]:
        scorer.check()
    if params.back_translation.enabled and params.train_backward.early_stopping_metric == "bleu":
        check_scorer(params.languages.source)


def check_corpora(params: Parameters) -> None:
    """Check that what to learn from is there, before anything runs: the user's own pairs, and the corpora named.

    Raises:
        UserError: there are no such pairs or corpora, the first pairs of a file can't be read, or the catalogue can't
            be read or lacks a corpus or its languages.
    """
    corpora = params.corpora
    own = find_sources(Path(corpora.pairs), corpora.wanted(params.languages))
    check_sources(own, corpora.bad_rows_percent)
    if not (own or corpora.names or corpora.remote):
        raise UserError(
            f"there is nothing to learn from: corpora.names is empty, and {corpora.pairs} holds no file; name a "
            "corpus, or a file of your own pairs in corpora.pairs"
        )
    select(load_catalogue(CATALOGUE), params.corpora.names, params.languages.source, params.languages.target)


def find_start(root: Path, params: Parameters, pinned: bool) -> str:
    """Find the bundle that a training is to go on from, before anything runs; a registered one is fetched.

    Args:
        root: of the checkout.
        params: of the run.
        pinned: params have to tell which bundle that is, as they are not this run's alone.

    Returns:
        ``train.start`` with the digest of the bundle, which DVC sees change, and the full path of a folder.

    Raises:
        UserError: there is no such bundle, it isn't the one that was pinned, or no training can go on from it.
    """
    start = parse_start(params.train.start)
    folder = fetch_start(start, root / FETCHED) if start.name else (root / start.place).resolve()
    architecture = params.model.architecture
    manifest = check_start(folder, start.place, architecture, params.languages, registered_with)
    if architecture != "pretrained":  # of which params.yaml says the length
        params.train.check("train", architecture, manifest.model["max_length"])
    digest = bundle_digest(folder)
    if pinned or start.digest:
        check_pinned(start, digest)
    return start._replace(place=start.place if start.name else str(folder)).pinned(digest)


def check_pretrained(params: Parameters, folder: Path) -> None:
    """Check that there is a model to train further, before anything runs, unless a run in ``folder`` had one.

    Raises:
        UserError: none is named, the one named can't be had, or it lacks a part.
        TransientError: huggingface.co is busy.
    """
    needed = params.model.architecture == "pretrained" and not params.train.start
    if needed and not (folder / PRETRAINED / MANIFEST).exists():
        check_model(params.pretrained.model, params.pretrained.revision)
