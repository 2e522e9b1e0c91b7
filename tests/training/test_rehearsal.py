from seq2seq.training.rehearsal import seconds_per_update
from tests.tiny_models import RUNTIME, SMALL, TRAINING


def test_more_tokens_take_longer():
    def seconds(batch_tokens):
        training = TRAINING.model_copy(update={"batch_tokens": batch_tokens})
        return seconds_per_update("transformer", SMALL, training, RUNTIME, 60, (9.0, 7.0))

    assert 0 < seconds(64) < seconds(16_384)
