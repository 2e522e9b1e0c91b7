"""The whole of params.yaml: which class checks which section, and which sections contradict each other."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from seq2seq.bundles.manifest import TaskParams
from seq2seq.candidates.params import CandidatesParams, ChoiceParams
from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, Section, check_section, read_yaml
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.metrics.scores import EvaluationParams
from seq2seq.metrics.string_metrics import LABELS
from seq2seq.models.architectures import ModelParams
from seq2seq.models.convolutional import ConvolutionalParams
from seq2seq.models.huggingface import FineTuningParams
from seq2seq.models.pruning import why_unprunable
from seq2seq.models.recurrent import RecurrentParams
from seq2seq.models.transformer import TransformerParams
from seq2seq.release.params import ReleaseParams
from seq2seq.sources.acquire import CorporaParams
from seq2seq.sources.catalogue import OWN
from seq2seq.sources.generated import GeneratedParams
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.synthesis.student import StudentParams
from seq2seq.text.languages import LanguagesParams
from seq2seq.tokenizers.sentencepiece import TokenizerParams
from seq2seq.training.augmentation import AugmentationParams
from seq2seq.training.params import ForwardParams, TrainingParams


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
    train: ForwardParams
    train_backward: TrainingParams
    augmentation: AugmentationParams
    back_translation: BackTranslationParams
    student: StudentParams
    decoding: DecodingParams
    evaluation: EvaluationParams
    candidates: CandidatesParams
    choice: ChoiceParams
    release: ReleaseParams
    runtime: RuntimeParams


def read_settings(path: Path = PARAMS) -> Parameters:
    """Read and check a whole params file.

    Raises:
        UserError: the file is missing or not YAML, a section, key or value is wrong, or two don't go together.
    """
    return check_parameters(read_yaml(path), str(path))


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
    architecture = params.model.architecture
    known = [*LABELS, *(scorer.name for scorer in params.evaluation.scorers)]
    if params.release.metric not in known:
        yield f"'release.metric' is '{params.release.metric}'; use one of {', '.join(known)}"
    corpora = [*params.corpora.names, *params.corpora.remote_names(), *OWN]
    for name in params.train.old_corpora:
        if name not in corpora:
            yield f"'train.old_corpora': {name} is none of this run's corpora, which are {', '.join(corpora)}"
    if params.student.enabled:
        shape = params.student.shape(params.transformer)
        its_own = (
            architecture == "transformer" and params.student.teacher == "models/forward" and not params.train.start
        )
        if params.student.start == "pruned" and its_own and (reason := why_unprunable(params.transformer, shape)):
            yield f"'student.start' is pruned, but {reason}"
        if architecture == "pretrained":
            yield "'student.enabled' needs a tokenizer that is trained here, not a model's own; set it to false"
    if architecture != "pretrained":
        return
    for name, training in _trainings(params).items():
        if training.subword_sampling:
            yield f"'{name}.subword_sampling' needs a tokenizer that is trained here, not a model's own; set it to 0"
        if training.adversarial and params.pretrained.lora_rank:
            yield f"'{name}.adversarial' needs gradients of embeddings, which LoRA leaves out; set one of them to 0"
