"""What is trained, and how: the sections of params.yaml that a training reads, in one object."""

from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq.core.params import Section, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.models.architectures import load_architecture
from seq2seq.models.encoder_decoder import ArchitectureParams, EncoderDecoder
from seq2seq.models.transformer import TransformerParams
from seq2seq.synthesis.student import StudentParams, find_teachers
from seq2seq.tokenizers.base import Tokenizer
from seq2seq.training.initial_model import continued_model, first_model, pruned_model, shape_to_continue
from seq2seq.training.params import SECTIONS, ForwardParams, TrainingParams, load_training


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how."""

    stage: str  # the section of its training, and what its lines of progress begin with
    architecture: str
    model: ArchitectureParams  # its shape, or how it is trained further
    training: TrainingParams
    runtime: RuntimeParams  # device, precision and threads
    pretrained: Path | None = None  # the bundle that a pretrained model begins with
    teacher: Path | None = None  # the bundle of which pruning leaves what a student begins with
    start: Path | None = None  # the bundle that it goes on from
    overruled: str = ""  # what of params.yaml has no say beside that bundle, in words

    def sections(self) -> dict[str, Section]:
        """The sections of params.yaml by their names."""
        return {self.architecture: self.model, self.stage: self.training, "runtime": self.runtime}

    def launched_anyhow(self) -> "Recipe":
        """The same recipe for any number of processes: what some have begun, others go on with."""
        return replace(self, training=self.training.model_copy(update={"launch": ""}))

    def check(self) -> None:
        """Check that the params fit together.

        Raises:
            UserError: they don't.
        """
        self.training.check(self.stage, self.architecture, self.model.max_length)

    def first_model(self, tokenizer: Tokenizer) -> EncoderDecoder:
        """The model that the training begins with; see :mod:`seq2seq.training.initial_model`."""
        if self.teacher:
            return pruned_model(self.model, tokenizer, self.teacher)
        if self.start:
            return continued_model(self.architecture, self.model, tokenizer, self.start)
        return first_model(self.architecture, self.model, tokenizer, self.pretrained)


def read_student_recipe(file: Path, student: StudentParams) -> Recipe:
    """Read the recipe of a student from a params file: ``transformer`` and ``train``, with its own shape and length.

    Raises:
        UserError: a section is missing or wrong.
    """
    shape = student.shape(load_section(file, "transformer", TransformerParams))
    changes = {"max_updates": student.max_updates, "lr": student.lr}
    training = load_training(file, "train").model_copy(update=changes)
    runtime = load_section(file, "runtime", RuntimeParams)
    teacher = find_teachers(Path(student.teacher))[0] if student.start == "pruned" else None
    return Recipe("train_student", "transformer", shape, training, runtime, teacher=teacher)


def read_recipe(file: Path, stage: str, pretrained: Path) -> Recipe:
    """Read the recipe of a stage from a params file.

    Raises:
        UserError: a section is missing or wrong, or what the forward model should go on from is no such model.
    """
    architecture, model = load_architecture(file)
    training = load_training(file, stage)
    runtime = load_section(file, "runtime", RuntimeParams)
    recipe = Recipe(stage, architecture, model, training, runtime, pretrained)
    if stage != SECTIONS["forward"] or not load_section(file, stage, ForwardParams).start:
        return recipe
    shape, overruled = shape_to_continue(pretrained, architecture, model)
    return replace(recipe, model=shape, start=pretrained, overruled=overruled)
