"""Stages `evaluate` and `evaluate_released`: a bundle translates the sets to score and the gate set."""

import argparse
from pathlib import Path

from seq2seq.core.command_line import ArgumentParser
from seq2seq.core.files import replacing, write_json
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.text.corpus import GATE
from tasks.stage import run


def _arguments() -> argparse.Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--training", type=Path, help="training pairs; with them, baselines are scored as well")
    parser.add_argument(
        "--perturbed",
        action="store_true",
        help="translate the gate set with slips and in capitals too, and score its slices",
    )
    parser.add_argument("--decoding", type=Path, help="how the bundle searches, if not as params.yaml says")
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Write the model's outputs for each set, and their scores."""
    paths = _arguments()

    from seq2seq.decoding.params import DecodingParams, read_decoding
    from seq2seq.evaluation.evaluate import (
        add_perturbed,
        describe_score,
        predict,
        run_scorers,
        score_sets,
        write_predictions,
    )
    from seq2seq.evaluation.held_out import NEAREST, read_evaluated_sets, read_gate
    from seq2seq.evaluation.slices import score_slices
    from seq2seq.inference.translator import Translator
    from seq2seq.metrics.scores import EvaluationParams

    decoding = read_decoding(paths.decoding) if paths.decoding else load_section(PARAMS, "decoding", DecodingParams)
    evaluation = load_section(PARAMS, "evaluation", EvaluationParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    for scorer in evaluation.scorers:
        scorer.check()
    tests = read_evaluated_sets(paths.corpus, evaluation.sets)
    sets = tests | {GATE: read_gate(paths.corpus)}
    translator = Translator.load(paths.bundle, runtime)
    language = translator.manifest.languages.target

    predictions = {name: predict(translator, frame, decoding, label=name) for name, frame in sets.items()}
    predictions = run_scorers(evaluation.scorers, predictions)
    if paths.perturbed:
        predictions[GATE] = add_perturbed(predictions[GATE], translator, decoding, GATE)
    scores = score_sets(predictions, language, evaluation)
    gate = scores.pop(GATE)
    if paths.perturbed:
        gate["slices"] = score_slices(predictions[GATE], language, evaluation)
    report = {"tests": scores, GATE: gate}
    if paths.training:
        from seq2seq.evaluation.baselines import nearest_targets, read_training, score_baselines

        training = read_training(paths.training)
        report["baselines"] = score_baselines(training, tests, language, evaluation)
        # for the release gate, which lets no version pass that does no better
        predictions[GATE][NEAREST] = nearest_targets(training, sets[GATE]["source"].tolist())
    with replacing(paths.predictions) as partial:
        write_predictions(partial, predictions)
    write_json(paths.scores, report)
    for name, score in (scores | {GATE: gate}).items():
        if cut := score["truncated"]:
            print(
                f"{name}: {cut:,} of {score['sentences']:,} sources are longer than the {translator.limit} pieces that "
                "the model reads; it saw only their beginnings"
            )
    for name, score in scores.items():
        print(f"{name}: {describe_score(score, evaluation)}")


if __name__ == "__main__":
    run(main)
