"""The whole of params.yaml: which class checks which section."""

import difflib
import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, cast

from flows.workspace import resolve, run_folder
from seq2seq.acquisition import CorporaParams
from seq2seq.architectures import ModelParams
from seq2seq.benchmark import BenchmarkParams
from seq2seq.bundle import MANIFEST, TaskParams
from seq2seq.catalogue import load_catalogue, select
from seq2seq.cleaning import CleaningParams
from seq2seq.convolutional import ConvolutionalParams
from seq2seq.decoding import DecodingParams
from seq2seq.errors import UserError
from seq2seq.export import QuantizationParams
from seq2seq.generated import GeneratedParams
from seq2seq.hub import check_model
from seq2seq.languages import LanguagesParams
from seq2seq.metrics import EvaluationParams
from seq2seq.params import Section, check_section
from seq2seq.pretrained import FineTuningParams
from seq2seq.recurrent import RecurrentParams
from seq2seq.release import ReleaseParams
from seq2seq.runtime import RuntimeParams, find_device
from seq2seq.synthesis import BackTranslationParams
from seq2seq.text_files import check_tables
from seq2seq.tokenizer import TokenizerParams
from seq2seq.training_params import TrainingParams
from seq2seq.transformer import TransformerParams

CATALOGUE, PRETRAINED = Path("data", "catalogue.yaml"), Path("models", "pretrained")  # as in dvc.yaml


class Parameters(Section):
    """Every section of params.yaml."""

    task: TaskParams
    languages: LanguagesParams
    corpora: CorporaParams
    generated: GeneratedParams
    cleaning: CleaningParams
    tokenizer: TokenizerParams
    model: ModelParams
    transformer: TransformerParams
    recurrent: RecurrentParams
    convolutional: ConvolutionalParams
    pretrained: FineTuningParams
    train: TrainingParams
    train_backward: TrainingParams
    back_translation: BackTranslationParams
    decoding: DecodingParams
    evaluation: EvaluationParams
    quantization: QuantizationParams
    benchmark: BenchmarkParams
    release: ReleaseParams
    runtime: RuntimeParams


def read_parameters(root: Path, presets: Sequence[str], overrides: Sequence[str]) -> tuple[dict[str, Any], Parameters]:
    """Read the params of a run, and check before anything runs that all it needs is there.

    Returns:
        params.yaml with presets and overrides laid over it, as a tree and checked.

    Raises:
        UserError: a name, a key or a value is wrong, or a corpus, a model or a device is missing.
        TransientError: huggingface.co is busy.
    """
    tree, where = resolve(root, presets, overrides)
    params = check_parameters(tree, where)
    check_launch(params)
    check_corpora(params)
    check_pretrained(params, run_folder(root, presets, overrides))
    find_device(params.runtime)
    return tree, params


def check_parameters(tree: Mapping[str, Any], where: str) -> Parameters:
    """Check all sections; ``where`` names their file, and what was laid over it, in the error.

    Raises:
        UserError: a section is missing or unknown, a key or value in one is wrong, or two don't go together.
    """
    classes = {name: cast(type[Section], field.annotation) for name, field in Parameters.model_fields.items()}
    for name in tree:
        if name not in classes:
            close = difflib.get_close_matches(str(name), classes, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known sections: {', '.join(classes)}"
            raise UserError(f"{where}: unknown section '{name}'; {hint}")
    sections = {}
    for name, section in classes.items():
        if name not in tree:
            raise UserError(f"{where}: section '{name}' is missing; copy it back from the repository's params.yaml")
        sections[name] = check_section(tree[name], name, section, where)
    params = Parameters.model_validate(sections)
    for problem in _contradictions(params):
        raise UserError(f"{where}: {problem}")
    architecture = params.model.architecture
    for name, training in _trainings(params).items():
        training.check(name, architecture, getattr(params, architecture).max_length)
    return params


def _trainings(params: Parameters) -> dict[str, TrainingParams]:
    """The trainings of a run, by the names of their sections."""
    backward = {"train_backward": params.train_backward} if params.back_translation.enabled else {}
    return {"train": params.train} | backward


def _contradictions(params: Parameters) -> Iterator[str]:
    """What two sections ask for that can't be had together; its stage would say so only after hours of others."""
    architecture, quantization = params.model.architecture, params.quantization.type
    if architecture != "transformer" and quantization != "int8":
        yield f"'quantization.type' is '{quantization}', which only the transformer has; set it to int8"
    if architecture != "pretrained":
        return
    for name, training in _trainings(params).items():
        if training.subword_sampling:
            yield f"'{name}.subword_sampling' needs a tokenizer that is trained here, not a model's own; set it to 0"
        if training.adversarial and params.pretrained.lora_rank:
            yield f"'{name}.adversarial' needs gradients of embeddings, which LoRA leaves out; set one of them to 0"


def check_launch(params: Parameters) -> None:
    """Check that the trainings can be started, before anything runs.

    Raises:
        UserError: what should start them is no program, or torchrun knows no such options.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    # also of a backward model that is not wanted: its stage starts all the same, to say so
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


def check_corpora(params: Parameters) -> None:
    """Check that what to learn from is there, before anything runs: the user's own pairs, and the corpora named.

    Raises:
        UserError: there are no such pairs or corpora, the first pairs of a file can't be read, or the catalogue can't
            be read or lacks a corpus or its languages.
    """
    tables = check_tables(Path(params.corpora.pairs))
    if not (tables or params.corpora.names):
        raise UserError(
            f"there is nothing to learn from: corpora.names is empty, and {params.corpora.pairs} holds no *.tsv; "
            "name a corpus, or a TSV file (source TAB target) in corpora.pairs"
        )
    select(load_catalogue(CATALOGUE), params.corpora.names, params.languages.source, params.languages.target)


def check_pretrained(params: Parameters, folder: Path) -> None:
    """Check that there is a model to train further, before anything runs, unless a run in ``folder`` had one.

    Raises:
        UserError: none is named, the one named can't be had, or it lacks a part.
        TransientError: huggingface.co is busy.
    """
    if params.model.architecture == "pretrained" and not (folder / PRETRAINED / MANIFEST).exists():
        check_model(params.pretrained.model, params.pretrained.revision)
