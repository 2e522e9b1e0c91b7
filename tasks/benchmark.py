"""Stage `benchmark`: PyTorch float32, CTranslate2 float32 and int8 timed in one run."""

from seq2seq.core.files import write_json
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from tasks.stage import path_arguments, run


def main() -> None:
    """Translate the first sentences of the first test set with every engine."""
    paths = path_arguments(__doc__, "float32", "int8", "corpus", "out")

    from seq2seq.benchmark.engines import BenchmarkParams, compare_engines
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.evaluation.held_out import read_test_sets

    params = load_section(PARAMS, "benchmark", BenchmarkParams)
    decoding = load_section(PARAMS, "decoding", DecodingParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    texts = next(iter(read_test_sets(paths.corpus).values()))["source"].tolist()
    write_json(paths.out, compare_engines(paths.float32, paths.int8, texts, params, decoding, runtime))


if __name__ == "__main__":
    run(main)
