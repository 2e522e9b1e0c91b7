"""Stage `candidates`: forms of the trained model that may be released, made and measured.

What this CPU or the architecture lacks is left out, aloud. The timings in its report are the pipeline's only numbers
that aren't the same when they are made again.
"""

from seq2seq.core.files import replacing, write_json
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from tasks.stage import path_arguments, run


def main() -> None:
    """Write the bundles, and what was measured."""
    paths = path_arguments(__doc__, "bundle", "student", "corpus", "out", "report")

    from seq2seq.bundles.manifest import MANIFEST
    from seq2seq.candidates.measure import TRAINED, make_bundles, measure
    from seq2seq.candidates.params import CandidatesParams
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.evaluation.held_out import read_validation
    from seq2seq.metrics.scores import EvaluationParams

    params = load_section(PARAMS, "candidates", CandidatesParams)
    decoding = load_section(PARAMS, "decoding", DecodingParams)
    evaluation = load_section(PARAMS, "evaluation", EvaluationParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    validation = read_validation(paths.corpus)
    models = {TRAINED: paths.bundle}
    if (paths.student / MANIFEST).exists():  # else its stage had nothing to do
        models["student"] = paths.student
    with replacing(paths.out) as partial:
        partial.mkdir()
        left_out = make_bundles(models, partial, params)
        measured = measure(models, partial, validation, params, decoding, evaluation, runtime)
    write_json(paths.report, measured | {"left_out": left_out})


if __name__ == "__main__":
    run(main)
