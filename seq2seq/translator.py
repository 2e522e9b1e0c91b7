"""Text in, text out, by any bundle."""

from collections.abc import Callable, Iterator
from pathlib import Path

from seq2seq.bundle import TOKENIZER, Manifest, read_manifest
from seq2seq.ctranslate2_engine import CTranslate2Engine
from seq2seq.decoding import DecodingParams, Engine, SamplingParams
from seq2seq.progress import Progress
from seq2seq.runtime import RuntimeParams
from seq2seq.tokenizer import EOS, Tokenizer


class Translator:
    """Translates lists of sentences with one bundle."""

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer, engine: Engine) -> None:
        """Take the parts of a bundle; :meth:`load` reads them."""
        self.manifest, self.tokenizer, self.engine = manifest, tokenizer, engine

    @classmethod
    def load(cls, bundle: Path, runtime: RuntimeParams) -> "Translator":
        """Read a bundle of any engine.

        Args:
            bundle: its folder.
            runtime: device and threads.

        Raises:
            UserError: the bundle is missing, damaged, its parts don't belong together, or there is no such device.
        """
        manifest = read_manifest(bundle)
        tokenizer = Tokenizer.load(bundle / TOKENIZER)
        engine: Engine
        if manifest.engine == "pytorch":
            # imported here: the fast engine needs neither PyTorch's memory nor its two seconds
            from seq2seq.torch_engine import TorchEngine  # noqa: PLC0415

            engine = TorchEngine.load(bundle, runtime)
        else:
            engine = CTranslate2Engine(bundle, manifest, tokenizer, runtime)
        return cls(manifest, tokenizer, engine)

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Source pieces of each text, cut to the model's length, EOS kept."""
        limit = self.manifest.model["max_length"]
        return [
            pieces if len(pieces) <= limit else [*pieces[: limit - 1], EOS]
            for pieces in self.tokenizer.encode_source(texts)
        ]

    def translate(self, texts: list[str], decoding: DecodingParams, label: str = "") -> list[str]:
        """Translate each text; an empty one stays empty. With a label, progress is shown."""
        return self._run(texts, decoding.batch_size, lambda batches: self.engine.search(batches, decoding), label)

    def sample(self, texts: list[str], decoding: DecodingParams, sampling: SamplingParams, seed: int) -> list[str]:
        """Draw one translation of each text from the model's distribution; the seed decides it."""
        return self._run(
            texts, decoding.batch_size, lambda batches: self.engine.sample(batches, decoding, sampling, seed)
        )

    def _run(
        self,
        texts: list[str],
        batch_size: int,
        run: Callable[[list[list[list[int]]]], Iterator[list[list[int]]]],
        label: str = "",
    ) -> list[str]:
        sources = self.encode(texts)
        order = sorted(
            (row for row, text in enumerate(texts) if text.strip()), key=lambda row: (-len(sources[row]), row)
        )
        groups = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        outputs = [""] * len(texts)
        found = run([[sources[row] for row in group] for group in groups])
        with Progress(label, len(order), "sentences", quiet=not label) as progress:
            for group, pieces in zip(groups, found, strict=True):
                for row, text in zip(group, self.tokenizer.decode_target(pieces), strict=True):
                    outputs[row] = text
                progress.add(len(group))
        return outputs
