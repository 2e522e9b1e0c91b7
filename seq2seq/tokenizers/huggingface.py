"""The tokenizer that a pretrained model came with, renumbered, so that its special pieces have our ids.

Our ids are those of PAD, UNK, BOS, EOS and BT, then those of Hugging Face's pieces in their order, without its own
PAD, UNK and EOS. https://huggingface.co/docs/transformers/main_classes/tokenizer
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seq2seq.core.errors import UserError
from seq2seq.core.files import read_json, write_json
from seq2seq.text.normalization import normalise
from seq2seq.tokenizers.base import BOS, BT, EOS, PAD, SPECIAL_PIECES, UNK, SubwordSampling, Tokenizer

FACTS = "pretrained.json"  # a folder with this file holds such a tokenizer
VISIBLE_UNK = "⁇"  # as SentencePiece spells it


class Numbering(BaseModel):
    """Which pieces of a Hugging Face vocabulary are ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    special: list[int] = Field(min_length=len(SPECIAL_PIECES), max_length=len(SPECIAL_PIECES))  # their ids, as there
    size: int  # pieces of the vocabulary

    def theirs(self) -> list[int]:
        """Hugging Face's id of each of our pieces; a piece that is special in two ways comes twice."""
        kept = {self.special[one] for one in (PAD, UNK, EOS)}
        return [*self.special, *(piece for piece in range(self.size) if piece not in kept)]

    def never_produced(self) -> list[int]:
        """Our ids of what no output holds: PAD, BOS and BT, and the second number of what has two."""
        twice = {self.special[one] for one in (BOS, BT)}
        again = (one for one, piece in enumerate(self.theirs()) if one >= len(SPECIAL_PIECES) and piece in twice)
        return [PAD, BOS, BT, *again]


class Facts(Numbering):
    """What ``pretrained.json`` says beside a tokenizer's own files."""

    source_start: list[int]  # what comes before each source, as Hugging Face numbers it: BERT's [CLS], BART's <s>
    target_start: list[int]  # what comes before each target, behind BOS: BART's <s>
    prefix: str  # text before each source: T5's name of the task
    reversed: bool  # source and target have changed places


class PretrainedTokenizer(Tokenizer):
    """A Hugging Face tokenizer with our ids. Text that spells a special piece never becomes one."""

    shared = True

    def __init__(self, tokenizer: Any, files: Mapping[str, bytes], facts: Facts) -> None:
        """Take a tokenizer of transformers, the files that it was read from, and its numbering."""
        self._tokenizer = tokenizer
        self._files = files
        self.facts = facts
        self._theirs = facts.theirs()
        self._ours = {piece: one for one, piece in reversed(list(enumerate(self._theirs)))}  # the first, of two
        self._ours[facts.special[PAD]], self._ours[facts.special[EOS]] = PAD, EOS  # BOS may be one of them
        special = {*tokenizer.all_special_ids, *facts.special}
        self._from_text = self._ours | dict.fromkeys(special, UNK)
        self._silent = {self._ours[piece] for piece in special | set(facts.target_start)} | {BOS, BT}
        self._silent.discard(UNK)

    @classmethod
    def read(cls, folder: Path) -> "PretrainedTokenizer":
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the files are damaged or don't belong together.
        """
        from transformers import AutoTokenizer  # noqa: PLC0415 - takes seconds

        try:
            facts = Facts.model_validate(read_json(folder / FACTS))
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (ValidationError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{folder} holds a damaged tokenizer; make it again ({reason})") from None
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != FACTS}
        return cls(tokenizer, files, facts)

    def save(self, folder: Path) -> None:
        """Write the tokenizer's own files, as they were, and ``pretrained.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (folder / name).write_bytes(content)
        write_json(folder / FACTS, self.facts.model_dump(mode="json"))

    def reverse(self) -> "PretrainedTokenizer":
        """The tokenizer of the opposite direction, without a prefix, which speaks of this one."""
        return self._changed({"reversed": not self.facts.reversed, "prefix": ""})

    def with_prefix(self, prefix: str) -> "PretrainedTokenizer":
        """This tokenizer with a text before each source."""
        return self._changed({"prefix": prefix})

    def _changed(self, update: dict[str, Any]) -> "PretrainedTokenizer":
        return PretrainedTokenizer(self._tokenizer, self._files, self.facts.model_copy(update=update))

    @property
    def source_pieces(self) -> list[str]:
        """The vocabulary in the order of our ids."""
        rest = self._tokenizer.convert_ids_to_tokens(self._theirs[len(SPECIAL_PIECES) :])
        return [*SPECIAL_PIECES, *(piece or "" for piece in rest)]  # a vocabulary may have gaps

    @property
    def target_pieces(self) -> list[str]:
        """The same."""
        return self.source_pieces

    def encode_source(
        self, texts: list[str], synthetic: bool = False, sampling: SubwordSampling | None = None
    ) -> list[list[int]]:
        """Piece ids of each text behind the model's own start and the prefix, ending with EOS; BT is the first.

        Raises:
            UserError: sampling is asked for, but the model knows only one way to cut words.
        """
        _refuse(sampling)
        start = [BT] if synthetic else []
        start += [self._ours[piece] for piece in self.facts.source_start]
        prefixed = [self.facts.prefix + normalise(text) for text in texts]
        return [[*start, *ids, EOS] for ids in self._encode(prefixed, self.facts.reversed)]

    def encode_target(self, texts: list[str], sampling: SubwordSampling | None = None) -> list[list[int]]:
        """Piece ids of each text, without BOS and EOS, but with what the model's targets start with behind BOS."""
        _refuse(sampling)
        start = [self._ours[piece] for piece in self.facts.target_start]
        bodies = self._encode([normalise(text) for text in texts], not self.facts.reversed)
        return [[*start, *ids] for ids in bodies]

    def decode_target(self, ids: list[list[int]]) -> list[str]:
        """Text of each list of ids; special pieces vanish, except that UNK becomes a visible ⁇."""
        if not ids:
            return []
        theirs = [[self._theirs[one] for one in row if one not in self._silent] for row in ids]
        texts = self._tokenizer.batch_decode(theirs, skip_special_tokens=False)
        return [text.replace(self._tokenizer.unk_token, VISIBLE_UNK).strip() for text in texts]

    def _encode(self, texts: list[str], as_target: bool) -> list[list[int]]:
        """Our ids of normalised texts; Marian cuts the two languages by models of their own."""
        if not texts:
            return []
        encoded = self._tokenizer(
            text=None if as_target else texts,
            text_target=texts if as_target else None,
            add_special_tokens=False,
            split_special_tokens=True,  # unigram models know special pieces as ordinary ones all the same
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return [[self._from_text[piece] for piece in ids] for ids in encoded["input_ids"]]


def _refuse(sampling: SubwordSampling | None) -> None:
    if sampling:
        raise UserError("params.yaml: 'subword_sampling' needs a tokenizer that was trained here; set it to 0")
