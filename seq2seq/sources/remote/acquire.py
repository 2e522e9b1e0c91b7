"""From an entry of ``corpora.remote`` to what there is to read, by split."""

from pathlib import Path
from typing import Any, NamedTuple

import httpx

from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json
from seq2seq.core.progress import Progress
from seq2seq.sources.fetch import check_answer, download, find_mirrored
from seq2seq.sources.first_fetch import Address, Fetched, fetch_address
from seq2seq.sources.readers.containers import list_contents
from seq2seq.sources.readers.own import Source, sources_of
from seq2seq.sources.readers.rows import Wanted
from seq2seq.sources.remote import huggingface, opus, sacrebleu_sets
from seq2seq.sources.remote.entries import Dataset, Entry, NamedSet, Opus, name_entry
from seq2seq.text.corpus import TEST, TRAIN


class Remote(NamedTuple):
    """What an entry brings: what to read for each part, such as train/NAME, and facts for the report."""

    parts: dict[str, list[Source]]
    facts: dict[str, Any]


class Fetcher:
    """Fetches for one entry, and keeps what came from where."""

    def __init__(self, store: Path, mirror: Path | None, progress: Progress) -> None:
        self.store, self.mirror, self.progress = store, mirror, progress
        self.fetched: list[dict[str, Any]] = []

    def get(self, address: Address) -> Fetched:
        """A local copy of a file, as :func:`fetch_address` has it."""
        fetched = fetch_address(address, self.store, self.mirror, self.progress)
        self.fetched.append({"url": address.url, "sha256": fetched.sha256, "bytes": fetched.bytes})
        return fetched

    def ask(self, url: str) -> Any:
        """What a server answers now, in JSON; it isn't kept.

        Raises:
            UserError: it has no answer, or another than JSON.
            TransientError: it is busy.
        """
        answer: list[Any] = []

        def ask(client: httpx.Client) -> None:
            response = client.get(url)
            check_answer(response, url, "corpora.remote")
            answer.append(response.json())

        try:
            if self.mirror is not None:
                return read_json(find_mirrored(url, self.mirror))
            download(url, self.store / "nothing", ask)
        except ValueError:
            raise UserError(f"{url}: the server's answer is not JSON") from None
        return answer[0]


def acquire_remote(entry: Entry, wanted: Wanted, fetcher: Fetcher) -> Remote:
    """Fetch what an entry names.

    Raises:
        UserError: it isn't there, isn't what it was, or can't be read.
        TransientError: its host is busy, or the connection was lost.
    """
    name = name_entry(entry)
    facts: dict[str, str] = {}
    match entry:
        case Address():
            parts = {f"{TRAIN}/{name}": _read(entry, fetcher, wanted)}
        case Opus():
            address = opus.address_of(entry, wanted)
            texts, facts = opus.find_texts(entry, address, fetcher.get(address), wanted)
            parts = {f"{TRAIN}/{name}": [texts]}
        case Dataset():
            listing = huggingface.list_dataset(entry, (wanted.source, wanted.target), fetcher.ask)
            facts = listing.facts
            parts = {
                f"{TEST}/{name}_test" if split == TEST else f"{split}/{name}": [
                    source for address in addresses for source in _read(address, fetcher, wanted)
                ]
                for split, addresses in listing.files.items()
            }
        case NamedSet():
            dataset = sacrebleu_sets.find_set(entry.set, wanted.source, wanted.target)
            facts = {"citation": " ".join(dataset.citation.split())} if dataset.citation else {}
            texts = sacrebleu_sets.read_set(dataset, wanted.source, wanted.target, fetcher.get)
            parts = {f"{TEST}/{name}": [texts]}
    return Remote(parts, facts | {"fetched": fetcher.fetched})


def _read(address: Address, fetcher: Fetcher, wanted: Wanted) -> list[Source]:
    return sources_of(list_contents(fetcher.get(address).path, address.url), wanted)
