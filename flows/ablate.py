"""Leave one filter or one corpus out at a time, and tabulate what each is worth in BLEU.

``python -m flows.ablate [--preset NAME]... [--set SECTION.KEY=VALUE]... [--without NAME]...`` from the root folder.
Each part is trained in a folder of its own in runs/, as far as the stage ``evaluate``, and scored on the validation
set; nothing is registered. DVC caches the parts: an ablation that was stopped goes on, and one that is done runs
nothing again.
"""

import json
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from flows.parameters import read_parameters
from flows.processes import Children
from flows.runs import resolve, run_folder
from flows.stages import CODE, Stage, StageError, read_stages, run_stage
from flows.tables import Rows, text_table
from flows.workspace import open_workspace
from seq2seq.cleaning.params import CleaningParams
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.files import read_json
from seq2seq.metrics.resampling import paired_difference
from seq2seq.metrics.scores import UNDEFINED
from seq2seq.metrics.string_metrics import metric_of
from seq2seq.settings import Parameters, check_parameters
from seq2seq.text.corpus import TRAIN, VALIDATION

GOAL = "evaluate"  # the stage that writes what the parts are compared by
CLEANING = Path("reports", "cleaning.json")
PREDICTIONS = Path("reports", "predictions", "float32", f"{VALIDATION}.parquet")
SCORES = Path("reports", "scores", "float32.json")
NO_FILTERS = {"check_languages", "held_out_percent", "held_out_at_most", "held_out_loosely", "workers", "corpora"}
LOOSEST = {"max_words": 100_000, "max_length_ratio": 1000.0}  # these can't be turned off; others are at 0 and false
WHOLE = "nothing"  # is left out of it
SCORED = f"evaluation.sets=[{VALIDATION}]"  # a test set chooses no filter
TEST_SET = "sacrebleu:"  # an entry of corpora.remote that nothing is trained on

Parts = dict[str, str]  # what is left out, and the assignment that leaves it out


def find_parts(params: Parameters) -> Parts:
    """All that can be left out: each filter that is on, and each corpus where several are named.

    Filters that ``cleaning.corpora`` turns on for one corpus stay there, and so do the user's own pairs.
    """
    names, remote = params.corpora.names, params.corpora.remote
    corpora = {name: f"corpora.names={_but(names, name)}" for name in names}
    for name, entry in zip(params.corpora.remote_names(), remote, strict=True):
        if not entry.startswith(TEST_SET):
            corpora[name] = f"corpora.remote={_but(remote, entry)}"
    return _filters(params.cleaning) | (corpora if len(corpora) > 1 else {})


def _filters(cleaning: CleaningParams) -> Parts:
    tree = cleaning.model_dump()
    scorers = tree.pop("scorers")
    off = {name: LOOSEST.get(name, type(value)(0)) for name, value in tree.items() if name not in NO_FILTERS}
    parts = {name: f"cleaning.{name}={json.dumps(value)}" for name, value in off.items() if tree[name] != value}
    return parts | {f"scorer_{one['name']}": f"cleaning.scorers={_but(scorers, one)}" for one in scorers}


def _but(items: Sequence[Any], one: object) -> str:
    return json.dumps([item for item in items if item != one])


def needed(stages: Sequence[Stage], goal: str) -> list[str]:
    """The stages to run for ``goal``, each after those that it depends on; ``stages`` are in such an order."""
    wanted = {goal}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted |= set(stage.upstream)
    return [stage.name for stage in stages if stage.name in wanted and not stage.unchanged]


def run_part(root: Path, presets: Sequence[str], overrides: Sequence[str], goal: str = GOAL) -> Path:
    """Bring a run up to date as far as the stage ``goal``; return its folder.

    Raises:
        UserError: a name, a key or a value is wrong, or a stage fails by what a user can mend.
        TransientError: it fails by what may be gone in a while.
        StageError: it fails otherwise.
    """
    tree, _ = read_parameters(root, presets, overrides)
    with (
        open_workspace(root, tree, presets, overrides, "", print) as workspace,
        Children(workspace.folder, workspace.environment) as children,
    ):
        read = partial(read_stages, workspace.folder, print)
        for name in needed(read(), CODE):
            run_stage(name, children, print)
        for name in needed(read(), goal):  # after an edited comment, none
            try:
                run_stage(name, children, print)
            except (UserError, TransientError, StageError) as error:
                raise type(error)(f"{workspace.folder}, stage {name}: {error}") from None
    return workspace.folder


def tabulate(folders: dict[str, Path], params: Parameters) -> Rows:
    """A row for each part: its training pairs, BLEU with its interval, and how much better it is than the whole."""
    metric = metric_of("bleu", params.languages.target)
    frames = {name: pd.read_parquet(folder / PREDICTIONS) for name, folder in folders.items()}
    counts = {
        name: metric.statistics(frame["prediction"].tolist(), list(map(list, frame["references"])))
        for name, frame in frames.items()
    }
    rows = []
    for name, folder in folders.items():
        row = {"left out": name, "training pairs": f"{_kept(folder):,}", **_bleu(folder), "against the whole": ""}
        if not _same_lines(frames[name], frames[WHOLE]):
            row["against the whole"] = "not known: its validation set has other lines"
        elif name != WHOLE:
            samples, seed = params.evaluation.bootstrap_samples, params.evaluation.seed
            found = paired_difference(metric, counts[name], counts[WHOLE], samples, seed)
            difference = f"{found.delta:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
            row["against the whole"] = f"undefined: {found.undefined}" if found.undefined else difference
        rows.append(row)
    return rows


def _kept(folder: Path) -> int:
    tallies = read_json(folder / CLEANING)
    return sum(parts[TRAIN]["kept"] for parts in tallies.values() if TRAIN in parts)


def _bleu(folder: Path) -> dict[str, str]:
    score = read_json(folder / SCORES)["tests"][VALIDATION]
    if UNDEFINED in score:
        return {"BLEU": "undefined", "95 % interval": ""}
    return {"BLEU": f"{score['bleu']:.2f}", "95 % interval": f"{score['bleu_low']:.2f} to {score['bleu_high']:.2f}"}


def _same_lines(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    sides = [list(zip(frame["source"], map(tuple, frame["references"]), strict=True)) for frame in (ours, theirs)]
    return sides[0] == sides[1]


def ablate(root: Path, presets: Sequence[str], overrides: Sequence[str], without: Sequence[str]) -> Rows:
    """Run the whole and each part, and tabulate them; ``without`` names the parts, none for all.

    Raises:
        UserError, TransientError, StageError: as :func:`run_part`; or there is no such part, or it can't be left out.
    """
    params = check_parameters(*resolve(root, presets, overrides))
    parts = find_parts(params)
    for name in without:
        if name not in parts:
            raise UserError(f"--without {name}: this run has no such filter or corpus; it has {', '.join(parts)}")
    for name in without or parts:
        if name in params.cleaning.corpora:
            raise UserError(f"{name} can't be left out while cleaning.corpora names it; name the parts with --without")
    assigned = {WHOLE: list(overrides)} | {name: [*overrides, parts[name]] for name in without or parts}
    for name, assignments in assigned.items():
        read_parameters(root, presets, [*assignments, SCORED])  # tells a mistake before hours of others
        print(f"left out: {name}, in {run_folder(root, presets, [*assignments, SCORED])}")
    folders = {name: run_part(root, presets, [*assignments, SCORED]) for name, assignments in assigned.items()}
    return tabulate(folders, params)


def main() -> None:
    """Read the command line, run the parts, print the table."""
    parser = ArgumentParser(prog="python -m flows.ablate", description=__doc__)
    parser.add_argument("--preset", action="append", default=[], metavar="NAME", help="as in flows.pipeline")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="as in flows.pipeline")
    parser.add_argument(
        "--without", action="append", default=[], metavar="NAME", help="a filter or corpus to leave out; else each"
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # so that what was started is ended
    try:
        print(text_table(ablate(Path.cwd(), arguments.preset, arguments.set, arguments.without)))
    except StageError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    run(main)
