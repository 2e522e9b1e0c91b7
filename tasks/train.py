"""Stages `train_backward` and `train`: a model from sentence pairs, as a bundle.

The backward model, target to source, serves back-translation alone; where that is switched off, or no corpus has
monolingual target text, the folder holds no bundle.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.core.command_line import is_first_process
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.text.languages import LanguagesParams
from tasks.stage import digest_of_inputs, leave_nothing, origin_of, run, work_directory

if TYPE_CHECKING:
    from seq2seq.training.learning_curve import Point

SECONDS_TO_END = 30  # that the live curve is given for its last point


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("direction", choices=["forward", "backward"])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--synthetic", type=Path, help="pairs from back_translate; none for the backward model")
    parser.add_argument("--mono", type=Path, help="text to translate back, for the backward model")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--pretrained", type=Path, required=True, help="bundle that a pretrained model begins with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--code", type=Path, required=True, help="the fingerprint of this stage's code")
    return parser.parse_args()


@contextmanager
def live_curve(name: str, digest: str) -> Iterator[Callable[["Point"], None]]:
    """Yield what shows a point of the learning curve on the MLflow server, where MLFLOW_TRACKING_URI names one."""
    if not (os.environ.get("MLFLOW_TRACKING_URI") and is_first_process()):
        yield lambda _: None
        return
    # not as the stage, whose lock this process holds
    environment = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    command = [sys.executable, "-m", "registry.live", name, digest]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment) as live:
        assert live.stdin is not None

        def tell(point: "Point") -> None:
            with suppress(BrokenPipeError):  # it has said why it ended
                print(json.dumps(asdict(point)), file=live.stdin, flush=True)

        try:
            yield tell
        finally:
            with suppress(BrokenPipeError, subprocess.TimeoutExpired):
                live.communicate(timeout=SECONDS_TO_END)
            live.kill()


def main() -> None:
    """Train one direction."""
    arguments = _arguments()
    from seq2seq.bundles.manifest import TaskParams
    from seq2seq.models.architectures import load_architecture
    from seq2seq.synthesis.params import BackTranslationParams
    from seq2seq.text.corpus import TRAIN, VALIDATION, count_lines
    from seq2seq.tokenizers.load import load_tokenizer
    from seq2seq.training.data import read_training_data
    from seq2seq.training.fit import fit
    from seq2seq.training.learning_curve import write_curve
    from seq2seq.training.params import TrainingParams

    backward = arguments.direction == "backward"
    stage = "train_backward" if backward else "train"
    languages = load_section(PARAMS, "languages", LanguagesParams)
    task = load_section(PARAMS, "task", TaskParams)
    architecture, model = load_architecture(PARAMS)
    training = load_section(PARAMS, stage, TrainingParams)
    synthesis = load_section(PARAMS, "back_translation", BackTranslationParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)

    if backward and (reason := synthesis.reason_to_skip(count_lines(arguments.mono))):
        if is_first_process():
            leave_nothing(stage, arguments.out, reason)
            write_curve(arguments.curves, [])
        return
    sections = {"languages": languages, architecture: model, stage: training, "runtime": runtime}
    inputs = {split: arguments.corpus / split for split in (TRAIN, VALIDATION)}
    inputs["tokenizer"], inputs["pretrained"] = arguments.tokenizer, arguments.pretrained
    others: dict[str, object] = {"architecture": architecture}
    if not backward:
        inputs["synthetic"] = arguments.synthetic
        others |= {"tag": synthesis.tag, "upsample": synthesis.upsample}
    tokenizer = load_tokenizer(arguments.tokenizer)
    data = read_training_data(arguments.corpus, arguments.synthetic, synthesis)
    if backward:
        data, tokenizer, languages = data.reverse(), tokenizer.reverse(), languages.reverse()
    origin = origin_of(sections, inputs, arguments.code, **others)
    # what some processes have begun, another number of them goes on with; the bundle's origin still tells how many
    launched_anyhow = sections | {stage: training.model_copy(update={"launch": ""})}
    digest = digest_of_inputs(origin | {"params": origin_of(launched_anyhow, {}, arguments.code, **others)["params"]})
    with work_directory(stage, digest) as work, live_curve(f"{stage} {digest[:8]}", digest) as tell:
        points = fit(
            data,
            tokenizer=tokenizer,
            languages=languages,
            task=task.name,
            architecture=architecture,
            model_params=model,
            pretrained=arguments.pretrained,
            params=training,
            runtime=runtime,
            origin=origin,
            work=work,
            out=arguments.out,
            label=stage,
            tell=tell,
        )
        if is_first_process():
            write_curve(arguments.curves, points)


if __name__ == "__main__":
    run(main)
