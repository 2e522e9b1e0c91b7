"""What answers: bundles, and versions of registered models, which may change while it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.bundles.manifest import MANIFEST, bundle_digest
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams
from seq2seq.inference.documents import Document
from seq2seq.inference.translator import Output, Translator

CANARY = "1 2 3."  # what a model has to answer, with anything, before it serves


@dataclass(frozen=True)
class Version:
    """What is known of something to serve before it is loaded."""

    name: str
    version: str  # in the registry; empty for a plain bundle
    folder: Path
    decoding: DecodingParams
    runtime: RuntimeParams
    facts: dict[str, Any]  # for people: since when it is champion, why, its card


class Loaded:
    """A version that answers."""

    def __init__(self, version: Version, threads: int) -> None:
        """Load and warm it.

        Raises:
            UserError: its bundle is missing, damaged, or doesn't answer.
        """
        if not (version.folder / MANIFEST).is_file():
            raise UserError(f"{version.folder} is no bundle: it has no {MANIFEST}; name a folder such as models/int8")
        self.version = version
        self.digest = bundle_digest(version.folder)
        self.decoding = version.decoding
        self.key = f"{self.digest} {version.decoding.model_dump_json()}"
        runtime = version.runtime.model_copy(update={"threads": threads}) if threads else version.runtime
        self.threads = runtime.threads
        self.unconfirmed = False  # whether the registry could not be asked if this is what it stands for
        try:
            self.translator = Translator.load(version.folder, runtime)
            self.translate([CANARY])
        except (RuntimeError, ValueError, KeyError) as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise UserError(f"{version.folder} does not answer ({reason}); make the bundle again") from None
        self.languages = self.translator.manifest.languages

    @property
    def pair(self) -> tuple[str, str]:
        """The languages that it translates from and to."""
        return self.languages.source, self.languages.target

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.version.name} version {self.version.version}" if self.version.version else self.version.name

    def translate(self, sentences: list[str]) -> list[str]:
        """The best output of each."""
        return self.translator.translate_sentences(sentences, self.decoding)

    def nbest(self, sentences: list[str]) -> list[list[Output]]:
        """Several outputs of each."""
        return self.translator.nbest(sentences, self.decoding)

    def split(self, texts: list[str]) -> list[Document]:
        """The sentences of texts."""
        return self.translator.splitter.split(texts)

    def join(self, document: Document, outputs: list[str]) -> str:
        """A text from the outputs of its sentences."""
        return self.translator.splitter.join(document, outputs)


class Models:
    """What answers for each pair of languages."""

    def __init__(self, loaded: Sequence[Loaded]) -> None:
        """Take what answers at first.

        Raises:
            UserError: two are for the same pair of languages.
        """
        self._by_pair: dict[tuple[str, str], Loaded] = {}
        for one in loaded:
            if other := self._by_pair.get(one.pair):
                raise UserError(
                    f"{other.name} and {one.name} both translate from {' to '.join(one.pair)}; serve one of them"
                )
            self._by_pair[one.pair] = one

    def swap(self, one: Loaded) -> None:
        """Let a version answer, from the next request on, in the place of the one for the same languages."""
        self._by_pair[one.pair] = one

    def of(self, pair: tuple[str, str]) -> Loaded:
        """What answers for a source and a target language that are served."""
        return self._by_pair[pair]

    def all(self) -> list[Loaded]:
        """What answers, in the order in which it was named."""
        return list(self._by_pair.values())

    def first(self) -> Loaded:
        """What answers where a protocol names no languages."""
        return self.all()[0]


def plain_bundle(folder: Path) -> Version:
    """A bundle on disk, with the search of params.yaml."""
    if not folder.is_dir():
        raise UserError(f"--bundle: there is no folder {folder}; name a bundle such as models/int8")
    decoding = load_section(PARAMS, "decoding", DecodingParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    return Version(folder.resolve().name, "", folder, decoding, runtime, {})
