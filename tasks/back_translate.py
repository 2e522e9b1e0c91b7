"""Stage `back_translate`: monolingual target text becomes synthetic sentence pairs."""

from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from tasks.stage import digest_of_inputs, origin_of, path_arguments, run, work_directory


def main() -> None:
    """Translate target sentences back."""
    arguments = path_arguments(__doc__, "backward", "train", "mono", "out", "code")
    from seq2seq.cleaning.params import CleaningParams
    from seq2seq.core.files import replacing
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.synthesis.back_translation import back_translate
    from seq2seq.synthesis.params import BackTranslationParams, choose_lines
    from seq2seq.text.corpus import count_lines, read_partitions, write_corpus

    params = load_section(PARAMS, "back_translation", BackTranslationParams)
    cleaning = load_section(PARAMS, "cleaning", CleaningParams)
    decoding = load_section(PARAMS, "decoding", DecodingParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    if reason := params.reason_to_skip(count_lines(arguments.mono)):
        print(f"back_translate: nothing to do, as {reason}")
        write_corpus(arguments.out, [])
        return
    count = int(params.ratio * count_lines(arguments.train))
    mono = (line for frame in read_partitions(arguments.mono) for line in frame["target"])
    lines = choose_lines(mono, count, params.seed)
    sections = {"back_translation": params, "cleaning": cleaning, "decoding": decoding, "runtime": runtime}
    inputs = {"backward": arguments.backward, "mono": arguments.mono}
    origin = origin_of(sections, inputs, arguments.code, lines=len(lines))
    with (
        work_directory("back_translate", digest_of_inputs(origin)) as work,
        replacing(arguments.out) as partial,
    ):
        made = back_translate(arguments.backward, lines, params, cleaning, decoding, runtime, work)
        kept = write_corpus(partial, made)
        print(
            f"back_translate: {kept:,} synthetic pairs; {len(lines) - kept:,} more don't pass the filters of `cleaning`"
        )


if __name__ == "__main__":
    run(main)
