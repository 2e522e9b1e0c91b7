"""What a run achieved: as Prefect artifacts for those who watch, and in words for whoever typed the command."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import State
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.runs import PRESETS, REGISTRATION, RUNS
from flows.tables import Rows, text_table
from registry.judging import Decision
from registry.ledger import CHALLENGER
from seq2seq.core.files import read_json
from seq2seq.core.params import PARAMS
from seq2seq.metrics.scores import UNDEFINED
from seq2seq.metrics.string_metrics import LABELS
from seq2seq.training.learning_curve import learned_nothing
from seq2seq.training.params import SECTIONS

REPORTS = Path("reports")
PAGE = REPORTS / "index.html"
TRANSLATIONS = 5


def publish_stages(states: Mapping[str, State[Any]]) -> None:
    """Leave how each stage ended as an artifact of the flow run."""
    create_table_artifact(_stages(states), key="stages", description="How each stage ended, and after how long")


def publish_reports(folder: Path) -> None:
    """Leave what the reports in ``folder`` say as artifacts of the flow run."""
    tables = {
        "scores": (_scores(folder), "Scores on the test sets"),
        "speed": (_speed(folder), "Speed, size and memory of each engine"),
        "cleaning": (_cleaning(folder), "What the filters dropped"),
    }
    for key, (rows, description) in tables.items():
        if rows:
            create_table_artifact(rows, key=key, description=description)
    if warnings := _warnings(folder):
        create_markdown_artifact("".join(f"- {one}\n" for one in warnings), key="warnings")
    if (folder / PAGE).exists():
        create_link_artifact((folder / PAGE).as_uri(), link_text="the report", key="report")


def publish_release(decision: Decision, history: Rows) -> None:
    """Leave what became of the version, and of those before it, as an artifact of the flow run."""
    create_table_artifact(history, key="release", description=f"version {decision.version}: {decision.reason}")


def describe(folder: Path, decision: Decision | None) -> str:
    """The results in a few lines, some translations, and what to type next."""
    parts = [text_table(_scores(folder)), text_table(_speed(folder))]
    parts += [f"warning: {one}" for one in _warnings(folder)]
    if decision is not None:
        name = read_json(folder / REGISTRATION)["name"]
        role = decision.alias or "neither champion nor challenger now"
        parts.append(f"{name} version {decision.version} is {role}: {decision.reason}")
    parts += [_translations(folder), _next_commands(folder, decision)]
    return "\n\n".join(part for part in parts if part)


def _read(folder: Path, name: str) -> dict[str, Any]:
    """A report, or nothing where no stage has written it."""
    path = folder / REPORTS / name
    return dict(read_json(path)) if path.exists() else {}


def _stages(states: Mapping[str, State[Any]]) -> Rows:
    return [
        {
            "stage": name,
            "state": state.name,
            "seconds": round(state.result(), 1) if state.is_completed() else None,
            "message": state.message,
        }
        for name, state in states.items()
    ]


def _scores(folder: Path) -> Rows:
    return [
        {"test set": test, "model": model}
        | _bleu(score)
        | {
            "chrF": _number(score["chrf"]),
            "TER": _number(score["ter"]),
            "exact match": _number(score["exact_match"]),
        }
        | {name.replace("rouge", "ROUGE-"): f"{score[name]:.1f}" for name in score if name.startswith("rouge")}
        | {name: f"{score[name]:.2f}" for name in score if f"{name}_low" in score and name not in LABELS}
        for model, tests in _read(folder, "quality.json").items()
        for test, score in tests.items()
    ]


def _number(score: float | None) -> str:
    return "undefined" if score is None else f"{score:.1f}"


def _bleu(score: Mapping[str, Any]) -> dict[str, str]:
    if UNDEFINED in score:
        return {"BLEU": "undefined", "95 % interval": "", "lower-cased": "undefined"}
    return {
        "BLEU": f"{score['bleu']:.1f}",
        "95 % interval": f"{score['bleu_low']:.1f} to {score['bleu_high']:.1f}",
        "lower-cased": f"{score['bleu_lc']:.1f}",
    }


def _warnings(folder: Path) -> list[str]:
    """What a person should know before believing a number."""
    found = {  # the two models are scored on the same references
        f"{label} is undefined on {test}: {score[f'{name}_undefined']}": None
        for tests in _read(folder, "quality.json").values()
        for test, score in tests.items()
        for name, label in LABELS.items()
        if f"{name}_undefined" in score
    }
    for name, section in SECTIONS.items():
        path = folder / REPORTS / "curves" / f"{name}.csv"
        if path.exists() and (nothing := learned_nothing(path, folder / PARAMS, section)):
            found[f"the {name} model has learned nothing: {nothing}"] = None
    if warning := _read(folder, "choice.json").get("warning"):
        found[warning] = None
    return list(found)


def _speed(folder: Path) -> Rows:
    return [
        {
            "model": model,
            "sentences/s": f"{numbers['sentences_per_second']:.1f}",
            "size (MB)": f"{numbers['size_mb']:.1f}",
            "peak memory (MB)": f"{numbers['peak_rss_mb']:.0f}",
        }
        for model, numbers in _read(folder, "speed.json").items()
    ]


def _cleaning(folder: Path) -> Rows:
    corpora = _read(folder, "cleaning.json")
    corpora.pop("held_out", None)
    return [
        {"corpus": corpus, "part": part, "lines": tally["lines_in"]}
        | {name: found["dropped"] for name, found in tally["filters"].items()}
        | {"held out": tally["held_out"], "kept": tally["kept"]}
        for corpus, parts in corpora.items()
        for part, tally in parts.items()
    ]


def _translations(folder: Path) -> str:
    tests = list(_read(folder, "quality.json").get("int8", {}))
    if not tests:
        return ""
    import pandas as pd

    predictions = folder / REPORTS / "predictions" / "int8"
    frame = pd.read_parquet(predictions / f"{tests[0]}.parquet").head(TRANSLATIONS)
    pairs = zip(frame["source"], frame["prediction"], strict=True)
    return "\n".join(f"  {source}\n  -> {prediction}" for source, prediction in pairs)


def _next_commands(folder: Path, decision: Decision | None) -> str:
    python = Path(sys.executable)
    command = str(python.relative_to(Path.cwd())) if python.is_relative_to(Path.cwd()) else "python"
    registered = _read(folder, "registration.json")
    named = f" --name {registered['name']}" if registered and folder != Path.cwd() else ""
    served = named.replace("--name", "--model")
    if decision is not None and decision.alias == CHALLENGER:
        served = f" --model {registered['name']}@{CHALLENGER}"  # there may be no champion
    flow = f"{command} -m flows.pipeline"
    lines = {
        f"{command} -m flows.release history{named}": "every version, and why it was promoted or not",
        f"{command} -m serving{served}": "answer over HTTP, with a page at http://127.0.0.1:8080",
        f"{command} -m flows.inspect FILE --name NAME": "your own pairs: what they hold, a preset that suits them",
        f"{flow} --preset NAME": f"{PRESETS}/ has the names, such as gettext",
    }
    if folder != Path.cwd():
        lines[f"{command} -m flows.runs"] = f"the runs in {RUNS}/, and what each lays over {PARAMS}"
    if (folder / PAGE).exists():
        lines = {f"{command} -m webbrowser {os.path.relpath(folder / PAGE)}": "the report"} | lines
    width = max(map(len, lines))
    return "What to type next:\n" + "\n".join(f"  {line:<{width}}  # {purpose}" for line, purpose in lines.items())
