"""BLEU or chrF of the outputs for the validation set while a model trains, for early stopping."""

from dataclasses import dataclass

import torch

from seq2seq.decoding.params import DecodingParams
from seq2seq.decoding.torch_engine import TorchEngine
from seq2seq.metrics.scores import quick_score
from seq2seq.models.encoder_decoder import EncoderDecoder
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


@dataclass(frozen=True)
class GreedyScore:
    """Scores a model on the validation set; several processes share the work."""

    metric: str  # bleu or chrf
    direction: Direction
    device: torch.device
    processes: Processes

    def __call__(self, model: EncoderDecoder) -> float:
        """The score, from 0 to 100, the same in all processes; ``model`` is in evaluation mode."""
        tokenizer, frame = self.direction.tokenizer, self.direction.validation
        sources, size = tokenizer.encode_source(frame["source"].tolist()), GREEDY.batch_size
        order = [row for row, source in enumerate(sources) if len(source) <= model.params.max_length]
        order.sort(key=lambda row: len(sources[row]))
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        mine = groups[self.processes.rank :: self.processes.count]
        engine, said = TorchEngine(model, model.params.max_length, self.device), dict[int, str]()
        found = engine.search([[sources[row] for row in group] for group in mine], GREEDY)
        for group, pieces in zip(mine, found, strict=True):
            said |= zip(group, tokenizer.decode_target(pieces), strict=True)
        outputs = [""] * len(sources)  # of a source that is too long
        for part in self.processes.gather(said):
            for row, text in part.items():
                outputs[row] = text
        return quick_score(outputs, frame["target"].tolist(), self.direction.languages.target, self.metric)
