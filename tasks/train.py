"""Stages `train_backward` and `train`: a model from sentence pairs, as a bundle.

The backward model, target to source, serves back-translation alone; where that is switched off, or no corpus has
monolingual target text, the bundle is an empty folder.
"""

import argparse
from pathlib import Path

from seq2seq.languages import LanguagesParams
from seq2seq.params import load_section
from seq2seq.runtime import RuntimeParams
from tasks.stage import PARAMS, digest_of_inputs, is_first_process, origin_of, run, work_directory


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("direction", choices=["forward", "backward"])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--synthetic", type=Path, help="pairs from back_translate, for the forward model")
    parser.add_argument("--mono", type=Path, help="what is to be translated back, for the backward model")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--pretrained", type=Path, required=True, help="bundle that a pretrained model begins with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--curves", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Train one direction."""
    arguments = _arguments()
    from seq2seq.architectures import load_architecture
    from seq2seq.corpus import count_lines, read_corpus, read_partitions
    from seq2seq.fitting import TrainingData, fit
    from seq2seq.synthesis import BackTranslationParams
    from seq2seq.tokenizer import Tokenizer
    from seq2seq.training import TrainingParams, write_curve

    backward = arguments.direction == "backward"
    stage = "train_backward" if backward else "train"
    languages = load_section(PARAMS, "languages", LanguagesParams)
    architecture, model = load_architecture(PARAMS)
    training = load_section(PARAMS, stage, TrainingParams)
    synthesis = load_section(PARAMS, "back_translation", BackTranslationParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)

    if backward and (reason := synthesis.reason_to_skip(count_lines(arguments.mono))):
        print(f"train_backward: nothing to do, as {reason}")
        arguments.out.mkdir(parents=True, exist_ok=True)
        write_curve(arguments.curves, [])
        return
    sections = {"languages": languages, architecture: model, stage: training, "runtime": runtime}
    inputs = {"train": arguments.corpus / "train", "validation": arguments.corpus / "validation"}
    inputs["tokenizer"], inputs["pretrained"] = arguments.tokenizer, arguments.pretrained
    others: dict[str, object] = {"architecture": architecture}
    if not backward:
        inputs["synthetic"], others["tag"] = arguments.synthetic, synthesis.tag
    tokenizer = Tokenizer.load(arguments.tokenizer)
    data = TrainingData(
        real=lambda: read_partitions(inputs["train"]),
        synthetic=lambda: () if backward else read_partitions(arguments.synthetic),
        lines=count_lines(inputs["train"]) + (0 if backward else count_lines(arguments.synthetic)),
        validation=read_corpus(inputs["validation"]),
        tag=synthesis.tag,
    )
    if backward:
        data, tokenizer, languages = data.reverse(), tokenizer.reverse(), languages.reverse()
    origin = origin_of(sections, inputs, **others)
    with work_directory(stage, digest_of_inputs(origin)) as work:
        points = fit(
            data,
            tokenizer=tokenizer,
            languages=languages,
            architecture=architecture,
            model_params=model,
            pretrained=arguments.pretrained,
            params=training,
            runtime=runtime,
            origin=origin,
            work=work,
            out=arguments.out,
            label=stage,
        )
        if is_first_process():
            write_curve(arguments.curves, points)


if __name__ == "__main__":
    run(main)
