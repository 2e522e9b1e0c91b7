"""BLEU or chrF of the outputs for the validation set while a model trains, for early stopping."""

from dataclasses import dataclass
from itertools import repeat

import pandas as pd
import torch

from seq2seq.core.errors import UserError
from seq2seq.decoding.batching import run_in_batches
from seq2seq.decoding.params import DecodingParams
from seq2seq.decoding.torch_engine import TorchEngine
from seq2seq.inference.splitter import Splitter
from seq2seq.metrics.scores import quick_score, why_bleu_is_undefined
from seq2seq.models.encoder_decoder import EncoderDecoder
from seq2seq.text.corpus import gather_references
from seq2seq.text.normalization import normalise
from seq2seq.tokenizers.base import cut_source
from seq2seq.training.data import Direction
from seq2seq.training.distributed import Processes

# greedy search orders checkpoints as beam search does, at a fraction of its time
GREEDY = DecodingParams(
    beam_size=1,
    patience=1.0,
    length_penalty=1.0,
    min_length=0,
    no_repeat_ngram=0,
    max_length_factor=2.0,
    batch_size=64,
)


def check_metric(metric: str, direction: Direction, label: str) -> None:
    """Check that a metric can tell models apart on the validation set; ``label`` is the section that names it.

    Raises:
        UserError: BLEU is undefined there, or its tokenizer is not installed.
    """
    if metric != "bleu":
        return
    if reason := why_bleu_is_undefined(_lines(direction)["references"].tolist(), direction.languages.target):
        raise UserError(
            f"'{label}.early_stopping_metric' is bleu, which is undefined on the validation set: {reason}; "
            "set it to chrf or loss"
        )


def _lines(direction: Direction) -> pd.DataFrame:
    return gather_references(direction.validation)


@dataclass(frozen=True)
class GreedyScore:
    """Scores a model on the validation set; several processes share the work."""

    metric: str  # bleu or chrf
    direction: Direction
    device: torch.device
    processes: Processes

    def __call__(self, model: EncoderDecoder) -> float:
        """The score, from 0 to 100, the same in all processes; ``model`` is in evaluation mode.

        Texts are split, or cut to what the model reads, as they are when it is evaluated and served. What looks wrong
        isn't searched for again: at the beginning of a training that is nearly everything.
        """
        tokenizer = self.direction.tokenizer
        frame = _lines(self.direction)
        limit = model.params.max_length
        engine = TorchEngine(model, limit, self.device)
        splitter = Splitter(tokenizer, self.direction.languages, limit)
        documents = splitter.split(frame["source"].tolist())
        sentences = [sentence for document in documents for sentence in document.sentences]
        sources = map(cut_source, tokenizer.encode_source(sentences), repeat(limit))
        found = run_in_batches(
            {row: source for row, source in enumerate(sources) if normalise(sentences[row])},
            GREEDY.batch_size,
            lambda batches: engine.search(batches, GREEDY),
            len,
            rank=self.processes.rank,
            processes=self.processes.count,
        )
        said = dict(zip(found, tokenizer.decode_target(list(found.values())), strict=True))
        written = [""] * len(sentences)  # of an empty one
        for part in self.processes.gather(said):
            for row, text in part.items():
                written[row] = text
        each = iter(written)
        outputs = [splitter.join(document, [next(each) for _ in document.sentences]) for document in documents]
        return quick_score(outputs, frame["references"].tolist(), self.direction.languages.target, self.metric)
