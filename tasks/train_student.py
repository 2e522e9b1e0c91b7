"""Stage `train_student`: a smaller model from the teacher's outputs, as a bundle; none where that is switched off."""

from seq2seq.core.params import PARAMS, load_section
from tasks.stage import digest_of_inputs, leave_nothing, origin_of, path_arguments, run, work_directory


def main() -> None:
    """Train the student."""
    paths = path_arguments(__doc__, "corpus", "distilled", "tokenizer", "out", "curves", "code")
    from registry.live_curve import live_curve
    from seq2seq.bundles.manifest import TaskParams
    from seq2seq.synthesis.params import BackTranslationParams
    from seq2seq.synthesis.student import StudentParams
    from seq2seq.text.corpus import VALIDATION
    from seq2seq.text.languages import LanguagesParams
    from seq2seq.training.data import read_direction
    from seq2seq.training.fit import fit
    from seq2seq.training.learning_curve import write_curve
    from seq2seq.training.recipe import read_student_recipe

    student = load_section(PARAMS, "student", StudentParams)
    languages = load_section(PARAMS, "languages", LanguagesParams)
    task = load_section(PARAMS, "task", TaskParams)
    synthesis = load_section(PARAMS, "back_translation", BackTranslationParams)
    if not student.enabled:
        leave_nothing("train_student", paths.out, "student.enabled is false")
        write_curve(paths.curves, [])
        return
    recipe = read_student_recipe(PARAMS, student)
    direction = read_direction(paths.corpus, None, paths.tokenizer, languages, synthesis).learning_from(paths.distilled)
    inputs = {
        "distilled": paths.distilled,
        VALIDATION: paths.corpus / VALIDATION,
        "tokenizer": paths.tokenizer,
    }
    if recipe.teacher:
        inputs["teacher"] = recipe.teacher
    origin = origin_of({"languages": languages, **recipe.sections()}, inputs, paths.code)
    digest = digest_of_inputs(origin)
    with (
        work_directory("train_student", digest) as work,
        live_curve(f"train_student {digest[:8]}", digest) as tell,
    ):
        points = fit(direction, recipe, task=task.name, origin=origin, work=work, out=paths.out, tell=tell)
        write_curve(paths.curves, points)


if __name__ == "__main__":
    run(main)
