"""Datasets of Hugging Face's hub, by plain HTTP: their files at one revision (https://huggingface.co/docs/hub/api)."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import quote

from seq2seq.core.errors import UserError
from seq2seq.sources.first_fetch import Address
from seq2seq.sources.remote.entries import Dataset
from seq2seq.text.corpus import TEST, TRAIN, VALIDATION, Split

HUB = "https://huggingface.co"
_DATA = re.compile(r".*\.(parquet|jsonl?|csv|tsv|txt|tmx|xlsx|zip|tar)(\.(gz|bz2|xz|zst))?", re.IGNORECASE)
_ABOUT = re.compile(r"(readme|licen[cs]e|dataset_infos?|citation|requirements).*", re.IGNORECASE)
_SPLITS: dict[str, Split] = {
    "train": TRAIN, "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION, "dev": VALIDATION, "test": TEST
}  # fmt: skip
SHOWN = 12  # folders


class Listing(NamedTuple):
    """The files of a dataset by split, at one commit, and what its card says."""

    files: dict[Split, list[Address]]
    facts: dict[str, str]


def list_dataset(entry: Dataset, pair: tuple[str, str], ask: Callable[[str], Any]) -> Listing:
    """Find the files of a dataset, all in one folder: the one asked for, the one named by the languages, or the only.

    Args:
        entry: the dataset.
        pair: the languages, as they may name a folder (a configuration).
        ask: fetches JSON.

    Raises:
        UserError: it has no such folder, or several, or no files of pairs.
    """
    where = f"{HUB}/api/datasets/{entry.dataset}/revision/{quote(entry.revision, safe='')}?blobs=true"
    answer = ask(where)
    commit = str(answer["sha"])
    if commit != entry.revision:
        print(f"notice: hf:{entry.dataset}@{entry.revision} is now {commit}; name that commit to get the same again")
    paths = {PurePosixPath(file["rfilename"]): (file.get("lfs") or {}).get("sha256") for file in answer["siblings"]}
    data = [path for path in paths if _DATA.fullmatch(path.name) and not _ABOUT.fullmatch(path.name)]
    folder = _choose_folder(entry, pair, sorted({str(path.parent) for path in data}))
    files: dict[Split, list[Address]] = {}
    for path in sorted(path for path in data if str(path.parent) == folder):
        url = f"{HUB}/datasets/{entry.dataset}/resolve/{commit}/{quote(str(path))}"
        files.setdefault(_split_of(path), []).append(Address(url, paths[path]))
    licence = (answer.get("cardData") or {}).get("license")
    facts = {"citation": f"{HUB}/datasets/{entry.dataset} at {commit}"}
    return Listing(files, facts | ({"licence": str(licence)} if licence else {}))


def _choose_folder(entry: Dataset, pair: tuple[str, str], folders: list[str]) -> str:
    name = f"hf:{entry.dataset}@{entry.revision}"
    by_languages = [
        folder for folder in folders if PurePosixPath(folder).name in ("-".join(pair), "-".join(pair[::-1]))
    ]
    if entry.folder is not None:
        if entry.folder not in folders:
            raise UserError(f"corpora.remote: {name} has no files of pairs in {entry.folder}; {_has(folders)}")
        return entry.folder
    found = by_languages if len(by_languages) == 1 else folders
    if len(found) != 1:
        raise UserError(f"corpora.remote: write {name}/FOLDER; {_has(folders)}")
    return found[0]


def _has(folders: list[str]) -> str:
    more = f" and {len(folders) - SHOWN} more" if len(folders) > SHOWN else ""
    return f"it has them in {', '.join(folders[:SHOWN])}{more}" if folders else "it has none"


def _split_of(path: PurePosixPath) -> Split:
    """By a word of its name: train-00000-of-00003.parquet is for training, and so is what tells nothing."""
    words = re.split(r"[^a-z]+", path.name.lower())
    return next((split for word, split in _SPLITS.items() if word in words), TRAIN)
