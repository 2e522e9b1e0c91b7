"""Stage `distil`: the training pairs again, with targets that the teacher makes, for the student to learn from."""

from pathlib import Path

from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from tasks.stage import digest_of_inputs, origin_of, path_arguments, run, work_directory


def main() -> None:
    """Translate the training sources, and keep what is nearest to their targets."""
    paths = path_arguments(__doc__, "train", "out", "code")
    from seq2seq.core.files import replacing
    from seq2seq.decoding.params import DecodingParams
    from seq2seq.synthesis.distillation import distil, load_teacher
    from seq2seq.synthesis.student import StudentParams, find_teachers
    from seq2seq.text.corpus import count_lines, read_partitions, write_corpus

    student = load_section(PARAMS, "student", StudentParams)
    decoding = load_section(PARAMS, "decoding", DecodingParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    if not student.enabled:
        print("distil: nothing to do, as student.enabled is false")
        write_corpus(paths.out, [])
        return
    teachers = find_teachers(Path(student.teacher))
    inputs = {"train": paths.train} | {f"teacher {path.name}": path for path in teachers}
    origin = origin_of({"decoding": decoding, "runtime": runtime}, inputs, paths.code)
    lines = count_lines(paths.train)
    with work_directory("distil", digest_of_inputs(origin)) as work, replacing(paths.out) as partial:
        teacher = load_teacher(teachers, runtime, work)
        write_corpus(partial, distil(teacher, read_partitions(paths.train), lines, decoding, work))
    print(f"distil: {lines:,} pairs from {len(teachers)} teacher{'s' * (len(teachers) > 1)}")


if __name__ == "__main__":
    run(main)
