"""Stage `quantize`: the float32 bundle as the int8 bundle that is released."""

from seq2seq.core.params import PARAMS, load_section
from tasks.stage import path_arguments, run


def main() -> None:
    """Convert one bundle."""
    arguments = path_arguments(__doc__, "bundle", "out")
    from seq2seq.export.ctranslate2 import QuantizationParams, quantize

    quantize(arguments.bundle, arguments.out, load_section(PARAMS, "quantization", QuantizationParams))


if __name__ == "__main__":
    run(main)
