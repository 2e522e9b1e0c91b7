"""Stage `quantize`: the float32 bundle as an int8 bundle of the fast engine."""

from seq2seq.params import load_section
from tasks.stage import PARAMS, path_arguments, run


def main() -> None:
    """Convert one bundle."""
    arguments = path_arguments(__doc__, "bundle", "out")
    from seq2seq.export import QuantizationParams, export_ctranslate2

    params = load_section(PARAMS, "quantization", QuantizationParams)
    export_ctranslate2(arguments.bundle, arguments.out, params.type)


if __name__ == "__main__":
    run(main)
