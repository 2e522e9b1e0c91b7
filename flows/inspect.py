"""Look at files of pairs before anything is trained, and write a preset that suits them.

``python -m flows.inspect FILE`` says what it is, what it holds and what cleaning would drop; with ``--name NAME`` it
also writes ``presets/NAME.yaml``, tells how long the run will take, and the command to type. It fetches nothing.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from flows.runs import NAME, PRESETS, resolve
from seq2seq.cleaning.filters import SIDES
from seq2seq.cleaning.suspicions import SOME, are_swapped, draw_lines, strange_shares
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.files import write_text
from seq2seq.inspection import (
    EXAMPLES,
    Findings,
    chinese_variety,
    examine,
    guess_language,
    scripts_of,
    why_not_in,
)
from seq2seq.recipes import PIECES_PER_WORD, Choice, choose
from seq2seq.settings import Parameters, check_parameters
from seq2seq.sources.readers.containers import Content
from seq2seq.sources.readers.named_languages import named_languages
from seq2seq.sources.readers.own import Source, find_contents, find_sources, read_sources, sources_of
from seq2seq.sources.readers.rows import Wanted
from seq2seq.text.corpus import read_corpus
from seq2seq.text.languages import TAG, LanguagesParams, matching
from seq2seq.text.scripts import name_of, script_of, unknown_subtag

SHOWN_CHARACTERS = 60
UNKNOWN = "und"  # BCP 47's tag of a language that isn't known
BUSY = 0.5  # programs at work for each core, on the average of the last minute
BUSY_WORDS = ", though other programs keep the machine busy: alone it is faster"
OPPOSITE = "en"  # of a language that its script tells, where the other side is Latin: told aloud
LANGUAGES_FIRST = ("TMX", "XLIFF", "gettext")  # kinds that can be read by language alone


def _arguments() -> argparse.Namespace:
    parser = ArgumentParser(prog="python -m flows.inspect", description=__doc__)
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a file of pairs, or a folder of such files"
    )
    parser.add_argument("--source", default="", metavar="LANGUAGE", help="of the sources, such as en")
    parser.add_argument("--target", default="", metavar="LANGUAGE", help="of the targets, such as zh-Hant")
    parser.add_argument("--against", type=Path, metavar="FILE", help="pairs, or data/clean/test/NAME, to look for")
    parser.add_argument("--name", default="", help="write presets/NAME.yaml for these pairs")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="as in flows.pipeline")
    return parser.parse_args()


def main() -> None:
    """Inspect each file; with a name, write the preset."""
    arguments = _arguments()
    tree, where = resolve(Path.cwd(), [], arguments.set)
    params = check_parameters(tree, where)
    if arguments.name:
        _check_name(arguments.name, arguments.files)
    for path in arguments.files:
        languages, sources = _open(path, arguments.source, arguments.target, params)
        held_out = _read_against(arguments.against, languages, params) if arguments.against else None
        facts: list[dict[str, object]] = []
        frames = read_sources(sources, params.corpora.bad_rows_percent, "pairs", facts)
        found = examine(frames, params.cleaning, languages, held_out)
        print(_describe(facts, found, languages, arguments.against))
        if arguments.name:
            preset = PRESETS / f"{arguments.name}.yaml"
            write_text(preset, _preset(arguments.name, path, languages, found, arguments.set))
            print(_tell_run(arguments.name, arguments.set, found))


def _check_name(name: str, files: Sequence[Path]) -> None:
    if not NAME.fullmatch(name):
        raise UserError(f"--name {name} can't name a preset; write letters, digits and . _ -")
    if (path := PRESETS / f"{name}.yaml").exists():
        raise UserError(f"{path} exists; choose another --name, or remove it")
    if len(files) > 1:
        raise UserError("--name takes one file or one folder; put your files into a folder, and name that")


def _open(path: Path, source: str, target: str, params: Parameters) -> tuple[LanguagesParams, list[Source]]:
    """The languages of a file, as told or as seen, and what there is to read in it.

    Raises:
        UserError: the file can't be read, or nothing tells its languages.
    """
    contents = find_contents(path)
    if not (source and target):
        source, target = _find_languages(path, contents, source, target, params)
    languages = _languages(source, target)
    wanted = Wanted(source, target, tuple(map(str, params.corpora.columns)), params.corpora.encoding)
    return languages, sources_of(contents, wanted)


def _find_languages(
    path: Path, contents: list[Content], source: str, target: str, params: Parameters
) -> tuple[str, str]:
    """Both languages, of which the user has told one at most; say which were found, and where.

    Raises:
        UserError: nothing tells them, or the files have more than two.
    """
    named, where = named_languages(contents, params.corpora.encoding)
    if len(named) > 2:
        raise UserError(f"{path} has {', '.join(named)}; choose two of them with --source and --target")
    if len(named) == 2:
        first, second = named
        if (source and matching(source, [second])) or (target and matching(target, [first])):
            first, second = second, first
    else:
        where = "its letters"
        seen = _seen_languages(contents, params)
        if OPPOSITE in seen and None in seen:
            raise _unknown(path)
        first, second = seen[0] or OPPOSITE, seen[1] or OPPOSITE
    source, target = source or first, target or second
    if source == target:
        raise _unknown(path)
    print(f"notice: by {where}, {path} seems to go from {source} to {target}; else add --source and --target")
    return source, target


def _unknown(path: Path) -> UserError:
    return UserError(
        f"nothing tells the languages of {path}; add --source and --target, such as --source en --target fr"
    )


def _languages(source: str, target: str) -> LanguagesParams:
    for option, tag in {"--source": source, "--target": target}.items():
        if not TAG.fullmatch(tag) or unknown_subtag(tag):
            raise UserError(f"{option} {tag}: that is no language; write a tag such as en, pt-BR or zh-Hant")
    return LanguagesParams(source=source, target=target)


def _seen_languages(contents: list[Content], params: Parameters) -> tuple[str | None, str | None]:
    wanted = Wanted(UNKNOWN, UNKNOWN, tuple(map(str, params.corpora.columns)), params.corpora.encoding)
    sources = sources_of(contents, wanted)
    if sources and sources[0].kind.startswith(LANGUAGES_FIRST):
        return None, None
    first = next(read_sources(sources, 100.0, "pairs", []), None)
    if first is None:
        return None, None
    return guess_language(first["source"].head(2000)), guess_language(first["target"].head(2000))


def _read_against(path: Path, languages: LanguagesParams, params: Parameters) -> pd.DataFrame:
    if path.is_dir() and any(path.glob("part-*.parquet")):
        return read_corpus(path)
    sources = find_sources(path, params.corpora.wanted(languages))
    return pd.concat(read_sources(sources, params.corpora.bad_rows_percent, "test", []), ignore_index=True)


def _describe(
    facts: Iterable[dict[str, object]], found: Findings, languages: LanguagesParams, test: Path | None
) -> str:
    lines = []
    for fact in facts:
        lines.append(f"{fact['name']}: {fact['kind']}, {fact['pairs']:,} pairs")
        for key, words in {"put_aside": "put aside", "no_pairs": "no pairs"}.items():
            lines += [f"  {words}: {reason}, {count:,} times" for reason, count in dict(fact.get(key, {})).items()]  # type: ignore[call-overload]
    repeated = found.pairs - found.distinct
    lines.append(f"{found.pairs:,} pairs, {found.distinct:,} different ones ({repeated:,} repeat another)")
    lines.append(f"{found.on_both_sides:,} lines stand on both sides")
    if test:
        lines.append(f"{found.in_held_out:,} pairs have a side that stands in {test}")
    return "\n".join([*lines, *_sides(found, languages), *_filters(found)])


def _sides(found: Findings, languages: LanguagesParams) -> list[str]:
    lines = []
    reasons = _reasons(found, languages)
    for side, distinct in zip(SIDES, found.distinct_sides, strict=True):
        language = getattr(languages, side)
        texts = found.sample[side]
        words = found.sample[f"{side}_words"]
        scripts = ", ".join(f"{name} {share:.0%}" for name, share in scripts_of(texts).items())
        variety = chinese_variety(texts) if script_of(language) in ("Hans", "Hant", "Hani") else ""
        lines.append(
            f"{side}: {language} ({name_of(language)}), {distinct:,} different; letters: {scripts or 'none'}"
            f"{f', {variety}' if variety else ''}; words: median {words.median():g}, 95 % have at most "
            f"{words.quantile(0.95):g}, the longest {words.max():g}"
        )
        if side in reasons:
            lines.append(f"  warning: {reasons[side]}")
        if variety in ("Hans", "Hant") and variety != script_of(language):
            lines.append(f"  warning: {language} is written in {script_of(language)}; these are zh-{variety}")
    if len(reasons) == 2 and _are_swapped(found.sample, languages):
        swapped = f"--source {languages.target} --target {languages.source}"
        lines.append(f"  warning: the sides seem to be swapped; try {swapped}, or --set 'corpora.columns=[2, 1]'")
    return lines


def _are_swapped(sample: pd.DataFrame, languages: LanguagesParams) -> bool:
    by_letters = why_not_in(languages.source, sample["target"]) or why_not_in(languages.target, sample["source"])
    return not by_letters and are_swapped(draw_lines(sample), languages)


def _reasons(found: Findings, languages: LanguagesParams) -> dict[str, str]:
    """Why a side can't be in its language, by its letters or else by its words."""
    reasons = {}
    for side, share in strange_shares(draw_lines(found.sample), languages).items():
        language = getattr(languages, side)
        if reason := why_not_in(language, found.sample[side]):
            reasons[side] = reason
        elif share >= SOME:
            reasons[side] = f"{share:.0%} of a sample of its {side}s are clearly not {name_of(language)}"
    return reasons


def _filters(found: Findings) -> list[str]:
    total = len(found.sample)
    lines = [f"cleaning would drop, of {total:,} pairs that were drawn by hash:"]
    for name, frame in found.dropped.items():
        lines.append(f"  {name}: {len(frame):,} ({len(frame) / max(total, 1):.1%})")
        for source, target in frame[["source", "target"]].head(EXAMPLES).itertuples(index=False):
            lines.append(f"    {source[:SHOWN_CHARACTERS]} | {target[:SHOWN_CHARACTERS]}")
        if total and len(frame) > total / 2:
            lines.append(f"    warning: {name} drops most of them; are the languages and columns right?")
    return lines


def _preset(name: str, path: Path, languages: LanguagesParams, found: Findings, overrides: Sequence[str]) -> str:
    """The text of a preset, with a comment beside each value."""
    amount = found.amount
    choices = [
        Choice("corpora", "names", "[]", "your own pairs alone"),
        Choice("corpora", "pairs", json.dumps(str(path), ensure_ascii=False), f"{found.pairs:,} pairs"),
        Choice("languages", "source", languages.source, name_of(languages.source)),
        Choice("languages", "target", languages.target, name_of(languages.target)),
        *choose(amount),
        Choice("release", "name", json.dumps(f"{name}-{{source}}-{{target}}"), "other pairs make another model"),
    ]
    lines = [
        f"# Written by flows.inspect for {found.pairs:,} pairs, of which some {amount.pairs:,} stay after cleaning:",
        f"# {amount.words:,.0f} words, {amount.characters:,} characters. docs/recipes.md has the sources of the sizes.",
    ]
    if overrides:
        lines.append("# Add to the command: " + " ".join(f"--set '{one}'" for one in overrides))
    section = ""
    for choice in choices:
        if choice.section != section:
            section = choice.section
            lines.append(f"{section}:")
        value = str(choice.value).lower() if isinstance(choice.value, bool) else choice.value
        lines.append(f"  {choice.key}: {value} # {choice.why}")
    return "\n".join(lines) + "\n"


def _tell_run(name: str, overrides: Sequence[str], found: Findings) -> str:
    """How long the training will take here, by some timed updates, and the command."""
    from seq2seq.training.rehearsal import seconds_per_update

    tree, where = resolve(Path.cwd(), [name], overrides)
    params = check_parameters(tree, where)
    source, target = (found.sample[f"{side}_words"].mean() * PIECES_PER_WORD for side in ("source", "target"))
    size = params.tokenizer.vocabulary_size
    print(f"presets/{name}.yaml is written; some updates of that size are timed", file=sys.stderr, flush=True)
    busy = os.getloadavg()[0] > BUSY * (os.cpu_count() or 1)
    seconds = seconds_per_update(
        "transformer", params.transformer, params.train, params.runtime, size, (source, target)
    )
    updates = params.train.max_updates
    minutes = seconds * updates / 60
    settings = "".join(f" --set '{one}'" for one in overrides)
    return (
        f"An update takes {seconds:.2f} s here with {params.runtime.threads} threads"
        f"{BUSY_WORDS if busy else ''}; the most there will be, {updates:,}, take {minutes:,.0f} minutes. Early "
        f"stopping may come sooner; the other stages take some minutes more. Type:\n\n"
        f"  python -m flows.pipeline --preset {name}{settings}\n\n"
        "To see all stages at work first, with a model that has learned little:\n\n"
        f"  python -m flows.pipeline --preset {name}{settings} --set train.max_updates=100 --set release.name=trial "
        f"--name trial"
    )


if __name__ == "__main__":
    run(main)
