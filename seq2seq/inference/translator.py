"""Text in, text out, by any bundle."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from seq2seq.bundles.manifest import TOKENIZER, Manifest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_tree
from seq2seq.core.progress import Progress
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.batching import run_in_batches
from seq2seq.decoding.params import DecodingParams, Engine, Hypothesis, SamplingParams
from seq2seq.inference.alignment import Sentence, align_sentence, find_pieces
from seq2seq.inference.ctranslate2_engine import CTranslate2Engine
from seq2seq.inference.faults import are_grave, find_faults
from seq2seq.inference.splitter import Splitter
from seq2seq.text.normalization import normalise
from seq2seq.tokenizers.base import EOS, Tokenizer, cut_source
from seq2seq.tokenizers.load import load_tokenizer

T = TypeVar("T")
SCORED_TOGETHER = 32  # pairs
RETRY_BEAM, RETRY_NO_REPEAT = 8, 3  # of the search for another output where the first is visibly wrong


@dataclass(frozen=True)
class Output:
    """One of several outputs for a text."""

    text: str
    score: float  # log-probability / length ** length_penalty, which ranks the outputs
    pieces: list[str]  # EOS last, unless it was cut
    log_probs: list[float]  # of each piece, in nats
    retried: bool  # the first search's best was visibly wrong, and another search found this


class Translator:
    """Translates lists of sentences with one bundle, or with an ensemble of them."""

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer, engine: Engine, limit: int) -> None:
        """Take the parts of a bundle, which :meth:`load` reads, and how many pieces a source may have."""
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.engine = engine
        self.limit = limit
        self.splitter = Splitter(tokenizer, manifest.languages, limit)

    @classmethod
    def load(cls, bundle: Path, runtime: RuntimeParams) -> "Translator":
        """Read a bundle of any engine.

        Args:
            bundle: its folder.
            runtime: device and threads.

        Raises:
            UserError: the bundle is missing, damaged, its parts don't belong together, or there is no such device.
        """
        if (manifest := read_manifest(bundle)).engine == "pytorch":
            return cls.load_ensemble([bundle], runtime)
        tokenizer = load_tokenizer(bundle / TOKENIZER)
        if manifest.engine == "onnx":
            from seq2seq.core.runtime import prepare_device  # noqa: PLC0415
            from seq2seq.decoding.torch_engine import TorchEngine  # noqa: PLC0415
            from seq2seq.inference.onnx_model import OnnxModel  # noqa: PLC0415

            limit = manifest.model["max_length"]
            on_cpu = prepare_device(runtime.model_copy(update={"device": "cpu"}))
            return cls(manifest, tokenizer, TorchEngine(OnnxModel(bundle, runtime), limit, on_cpu), limit)
        engine = CTranslate2Engine(bundle, manifest, tokenizer, runtime)
        return cls(manifest, tokenizer, engine, engine.limit)

    @classmethod
    def load_ensemble(cls, bundles: Sequence[Path], runtime: RuntimeParams) -> "Translator":
        """Read PyTorch bundles of one vocabulary and purpose, of whatever architectures, which translate together.

        Raises:
            UserError: as for :meth:`load`; or the bundles differ in vocabulary, languages or task.
        """
        # imported here: the fast engine needs neither PyTorch's memory nor its two seconds
        from seq2seq.bundles.pytorch import load_model  # noqa: PLC0415
        from seq2seq.core.runtime import prepare_device  # noqa: PLC0415
        from seq2seq.decoding.torch_engine import TorchEngine  # noqa: PLC0415
        from seq2seq.inference.ensemble import Ensemble  # noqa: PLC0415

        device = prepare_device(runtime)
        loaded = [load_model(bundle) for bundle in bundles]
        manifests = [read_manifest(bundle) for bundle in bundles]
        for bundle, manifest in zip(bundles, manifests, strict=True):
            if (one := _purpose(manifest)) != (first := _purpose(manifests[0])):
                raise UserError(f"{bundle} is for {one}, but {bundles[0]} for {first}; name bundles of one purpose")
            if sha256_tree(bundle / TOKENIZER) != sha256_tree(bundles[0] / TOKENIZER):
                raise UserError(
                    f"{bundle} and {bundles[0]} have different vocabularies, so they can't translate together; "
                    "train both on the same output of the stage tokenizer"
                )
        models = [model.to(device) for model, _ in loaded]
        limit = min(model.params.max_length for model in models)
        engine = TorchEngine(Ensemble(models) if len(models) > 1 else models[0], limit, device)
        return cls(manifests[0], loaded[0][1], engine, limit)

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Source pieces of each text, cut to the model's length, EOS kept."""
        return [cut_source(pieces, self.limit) for pieces in self.tokenizer.encode_source(texts)]

    def find_truncated(self, texts: list[str]) -> list[bool]:
        """Which texts have more pieces than the model reads, so that their ends are cut off; none that are split."""
        return [False] * len(texts) if self.splitter.splits else self.splitter.find_long(texts)

    def translate(self, texts: list[str], decoding: DecodingParams, progress: Progress | None = None) -> list[str]:
        """Translate each text, whatever its length; one that is empty once it is normalised gives an empty output."""
        return self._by_sentence(texts, lambda sentences: self.translate_sentences(sentences, decoding, progress))

    def translate_sentences(
        self, sentences: list[str], decoding: DecodingParams, progress: Progress | None = None
    ) -> list[str]:
        """Translate sentences as they are; of one that is too long for the model, the beginning."""
        found = self._run(sentences, decoding, lambda batches: self.engine.search(batches, decoding), progress)
        outputs = self._decode(found)
        for row, mended in self._retry(sentences, outputs, decoding).items():
            outputs[row] = next(iter(mended))
        return outputs

    def faults(self, source: str, output: str) -> list[str]:
        """What is visibly wrong with a translation; an answer or a summary may have any length, and other numbers."""
        return find_faults(source, output) if self.splitter.splits else []

    def _retry(
        self, sentences: list[str], outputs: list[str], decoding: DecodingParams
    ) -> dict[int, dict[str, Hypothesis]]:
        """Search once more, more widely and without repetition, for outputs that are visibly wrong.

        Returns:
            By row, where one was found with fewer faults: its text and those that were found beside it.
        """
        found = [self.faults(sentence, output) for sentence, output in zip(sentences, outputs, strict=True)]
        faults = {row: one for row, one in enumerate(found) if are_grave(one)}
        beam = max(decoding.beam_size, RETRY_BEAM)
        wider = decoding.model_copy(update={"beam_size": beam, "no_repeat_ngram": RETRY_NO_REPEAT})
        again = self._run([sentences[row] for row in faults], wider, lambda batches: self.engine.nbest(batches, wider))
        mended = {}
        for row, hypotheses in zip(faults, again, strict=True):
            merged = self._merge_by_text(hypotheses or [])
            left = {text: len(self.faults(sentences[row], text)) for text in merged}
            best = min(left, key=lambda text: left[text], default="")
            if best and left[best] < len(faults[row]):
                mended[row] = {best: merged.pop(best)} | merged
        return mended

    def _by_sentence(self, texts: list[str], translate: Callable[[list[str]], list[str]]) -> list[str]:
        documents = self.splitter.split(texts)
        outputs = iter(translate([sentence for document in documents for sentence in document.sentences]))
        return [self.splitter.join(document, [next(outputs) for _ in document.sentences]) for document in documents]

    def sample(self, texts: list[str], decoding: DecodingParams, sampling: SamplingParams, seed: int) -> list[str]:
        """Draw one translation of each text from the model's distribution; the seed decides it.

        Only ``max_length_factor`` and ``batch_size`` of ``decoding`` matter.
        """

        def run(batches: list[list[list[int]]]) -> Iterator[list[list[int]]]:
            return self.engine.sample(batches, decoding, sampling, seed)

        def draw(sentences: list[str]) -> list[str]:
            found = self._run(sentences, decoding, run)
            return self._decode(found)

        return self._by_sentence(texts, draw)

    def nbest(self, texts: list[str], decoding: DecodingParams, progress: Progress | None = None) -> list[list[Output]]:
        """Up to ``beam_size`` translations of each text, best first, with their scores; none of an empty text.

        No text comes twice: if several hypotheses spell the same text, the best of them stays.
        """
        found = self._run(texts, decoding, lambda batches: self.engine.nbest(batches, decoding), progress)
        sources = self.encode(texts)
        chosen = [self._merge_by_text(hypotheses or []) for hypotheses in found]
        retried = self._retry(texts, [next(iter(outputs), "") for outputs in chosen], decoding)
        chosen = [retried.get(row, outputs) for row, outputs in enumerate(chosen)]
        pairs = [(sources[row], one.tokens) for row, outputs in enumerate(chosen) for one in outputs.values()]
        log_probs = iter(self._score(pairs))
        vocabulary = self.tokenizer.target_pieces

        def output(row: int, text: str, one: Hypothesis) -> Output:
            produced = [*one.tokens, EOS] if one.ended else one.tokens
            pieces = [vocabulary[piece] for piece in produced]
            return Output(text, one.score, pieces, next(log_probs)[: len(produced)], row in retried)

        return [[output(row, text, one) for text, one in outputs.items()] for row, outputs in enumerate(chosen)]

    def score(self, sources: list[str], targets: list[str]) -> list[list[float]]:
        """Log-probabilities in nats of the pieces of each target, EOS last, given its source; both are cut to fit."""
        return self._score(list(zip(self.encode(sources), self._encode_cut(targets), strict=True)))

    def _encode_cut(self, targets: list[str]) -> list[list[int]]:
        return [pieces[: self.limit - 1] for pieces in self.tokenizer.encode_target(targets)]

    def align(self, sentences: list[str], outputs: list[str]) -> list[Sentence]:
        """Which words of each output come from which part of its sentence, whoever wrote the output."""
        sources, targets = self.encode(sentences), self._encode_cut(outputs)
        pairs = dict(enumerate(zip(sources, targets, strict=True)))
        found = run_in_batches(pairs, SCORED_TOGETHER, self.engine.align, lambda pair: len(pair[1]))
        read = find_pieces(self.tokenizer.reverse(), sources, sentences)
        written = find_pieces(self.tokenizer, targets, outputs)
        return [
            align_sentence(sentence, output, (read[row], written[row]), found[row])
            for row, (sentence, output) in enumerate(zip(sentences, outputs, strict=True))
        ]

    def _merge_by_text(self, hypotheses: list[Hypothesis]) -> dict[str, Hypothesis]:
        """The first hypothesis, which is the best, of each text."""
        merged: dict[str, Hypothesis] = {}
        for text, one in zip(self._decode([one.tokens for one in hypotheses]), hypotheses, strict=True):
            merged.setdefault(text, one)
        return merged

    def _score(self, pairs: list[tuple[list[int], list[int]]]) -> list[list[float]]:
        found = run_in_batches(dict(enumerate(pairs)), SCORED_TOGETHER, self.engine.score, lambda pair: len(pair[1]))
        return [found[row] for row in range(len(pairs))]

    def _decode(self, outputs: Sequence[list[int] | None]) -> list[str]:
        return self.tokenizer.decode_target([pieces or [] for pieces in outputs])

    def _run(
        self,
        texts: list[str],
        decoding: DecodingParams,
        run: Callable[[list[list[list[int]]]], Iterator[list[T]]],
        progress: Progress | None = None,
    ) -> list[T | None]:
        """What ``run`` makes of each text; None for one that is empty once it is normalised."""
        kept = {row: source for row, source in enumerate(self.encode(texts)) if normalise(texts[row])}
        if progress:
            progress.add(len(texts) - len(kept))
        found = run_in_batches(kept, decoding.batch_size, run, len, progress=progress)
        return [found.get(row) for row in range(len(texts))]


def _purpose(manifest: Manifest) -> str:
    return f"{manifest.task} from {manifest.languages.source} to {manifest.languages.target}"
