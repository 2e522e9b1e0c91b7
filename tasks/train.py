"""Stages `train_backward` and `train`: a model from sentence pairs, as a bundle.

The backward model, target to source, serves back-translation alone; where that is switched off, or no corpus has
monolingual target text, the folder holds no bundle.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.core.command_line import ArgumentParser, is_first_process
from seq2seq.core.files import write_json
from seq2seq.core.params import PARAMS, load_section
from seq2seq.text.languages import LanguagesParams
from tasks.stage import digest_of_inputs, leave_nothing, origin_of, run, work_directory


def _arguments() -> argparse.Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("direction", choices=["forward", "backward"])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--synthetic", type=Path, help="pairs from back_translate; none for the backward model")
    parser.add_argument("--mono", type=Path, help="text to translate back, for the backward model")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--pretrained", type=Path, required=True, help="bundle that a pretrained model begins with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--mixing", type=Path, help="what the forward model learns from besides the new pairs, as JSON")
    parser.add_argument("--code", type=Path, required=True, help="the fingerprint of this stage's code")
    return parser.parse_args()


def main() -> None:
    """Train one direction."""
    arguments = _arguments()
    from registry.live_curve import live_curve
    from seq2seq.bundles.manifest import TaskParams, bundle_digest
    from seq2seq.synthesis.params import BackTranslationParams
    from seq2seq.text.corpus import TRAIN, VALIDATION, count_lines
    from seq2seq.training.data import read_direction
    from seq2seq.training.fit import fit
    from seq2seq.training.learning_curve import write_curve
    from seq2seq.training.mixing import read_mixed
    from seq2seq.training.params import SECTIONS
    from seq2seq.training.recipe import read_recipe

    backward = arguments.direction == "backward"
    stage = SECTIONS[arguments.direction]  # has the name of its section
    languages = load_section(PARAMS, "languages", LanguagesParams)
    task = load_section(PARAMS, "task", TaskParams)
    synthesis = load_section(PARAMS, "back_translation", BackTranslationParams)
    recipe = read_recipe(PARAMS, stage, arguments.pretrained)
    if backward and (reason := synthesis.reason_to_skip(count_lines(arguments.mono))):
        if is_first_process():
            leave_nothing(stage, arguments.out, reason)
            write_curve(arguments.curves, [])
        return
    inputs = {split: arguments.corpus / split for split in (TRAIN, VALIDATION)}
    inputs |= {"tokenizer": arguments.tokenizer, "pretrained": arguments.pretrained}
    others: dict[str, object] = {"architecture": recipe.architecture}
    mixed: dict[str, Any] = {}
    if backward:
        direction = read_direction(arguments.corpus, None, arguments.tokenizer, languages, synthesis).reverse()
    else:
        direction, mixed = read_mixed(
            PARAMS, arguments.corpus, arguments.synthetic, arguments.tokenizer, languages, partial(_say, stage)
        )
        inputs["synthetic"] = arguments.synthetic
        others |= {"tag": synthesis.tag, "upsample": synthesis.upsample} | mixed
    sections = {"languages": languages, **recipe.sections()}
    origin = origin_of(sections, inputs, arguments.code, **others)
    if recipe.start:
        origin["start"] = bundle_digest(recipe.start)
    # the bundle's origin tells how many processes there were; unfinished work is the same for any number
    anyhow = origin_of(sections | recipe.launched_anyhow().sections(), {}, arguments.code, **others)
    digest = digest_of_inputs(origin | {"params": anyhow["params"]})
    with work_directory(stage, digest) as work, live_curve(f"{stage} {digest[:8]}", digest) as tell:
        points = fit(direction, recipe, task=task.name, origin=origin, work=work, out=arguments.out, tell=tell)
        if is_first_process():
            write_curve(arguments.curves, points)
            if not backward:
                write_json(arguments.mixing, mixed)


def _say(stage: str, line: str) -> None:
    if is_first_process():
        print(f"{stage}: {line}", flush=True)


if __name__ == "__main__":
    run(main)
