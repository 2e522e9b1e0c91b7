"""What an entry of ``corpora.remote`` means, and the name under which its pairs travel."""

import re
from typing import NamedTuple

from seq2seq.core.errors import UserError
from seq2seq.sources.first_fetch import Address

LONGEST_NAME = 60  # it becomes part of file names
FORMS = "https://HOST/FILE, opus:CORPUS/VERSION, hf:OWNER/NAME@REVISION or sacrebleu:SET"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_URL = re.compile(r"(?P<url>https?://[^/\s#]+/[^\s#]+)(#sha256=(?P<sha256>[0-9a-f]{64}))?")
_OPUS = re.compile(rf"opus:(?P<corpus>{_PART})/(?P<version>{_PART})(/(?P<source>[A-Za-z_]+)-(?P<target>[A-Za-z_]+))?")
_HUB = re.compile(rf"hf:(?P<dataset>({_PART}/)?{_PART})@(?P<revision>{_PART})(/(?P<folder>{_PART}(/{_PART})*))?")
_SET = re.compile(rf"sacrebleu:(?P<set>{_PART}(/{_PART})*)")


class Opus(NamedTuple):
    """A corpus of OPUS (Tiedemann 2012); codes of languages are given where OPUS has others than ours."""

    corpus: str
    version: str
    source: str | None
    target: str | None


class Dataset(NamedTuple):
    """A dataset of Hugging Face's hub, or a folder of it."""

    dataset: str
    revision: str
    folder: str | None


class NamedSet(NamedTuple):
    """A test set as sacreBLEU names it."""

    set: str


Entry = Address | Opus | Dataset | NamedSet


def parse_entry(text: str) -> Entry:
    """Read one entry.

    Raises:
        UserError: it has none of the forms.
    """
    if match := _URL.fullmatch(text):
        return Address(match["url"], match["sha256"])
    if match := _OPUS.fullmatch(text):
        return Opus(**match.groupdict())
    if match := _HUB.fullmatch(text):
        return Dataset(match["dataset"], match["revision"], match["folder"])
    if match := _SET.fullmatch(text):
        return NamedSet(match["set"])
    raise UserError(f"corpora.remote: '{text}' is none of {FORMS}")


def name_entry(entry: Entry) -> str:
    """The name of its corpus, such as Tatoeba-v2023-04-12."""
    match entry:
        case Address(url):
            text = url.rstrip("/").rpartition("/")[2].partition("?")[0]
        case Opus(corpus, version):
            text = f"{corpus}-{version}"
        case Dataset(dataset, _, folder):
            text = f"{dataset}-{folder}" if folder else dataset
        case NamedSet(name):
            text = name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[-LONGEST_NAME:].lstrip("-.")
