"""What recurrent models are made of: gates, summaries and residual connections."""

import pytest
import torch

from seq2seq.models.recurrent import AdditiveScore, Layer, Recurrent
from tests.tiny_models import RECURRENT

SIZE = 40  # pieces
SRC = torch.tensor([[7, 8, 9, 10, 11, 3, 0, 0]])  # padded
REAL = 6


def build(**changes):
    torch.manual_seed(1)
    return Recurrent(RECURRENT.model_copy(update=changes), SIZE, SIZE, shared=True).eval()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@torch.inference_mode()
def test_a_fresh_layer_remembers(cell):
    """With a bias of 1 on its gate, sigmoid(1) of the state before stays; what else it adds doesn't depend on that."""
    layer = Layer(cell, 8, 16)
    for name, weight in layer.cell.named_parameters():
        if name != "bias_ih_l0":
            weight.zero_()
    full, empty = (
        layer(torch.ones(1, 1, 8), torch.full((1, layer.state_size), value))[1][:, -16:] for value in (1.0, 0.0)
    )
    torch.testing.assert_close(full - empty, torch.ones(1, 16).sigmoid())


@pytest.mark.parametrize("deaf_to", [slice(16), slice(16, 32)], ids=["backward", "forward"])
@torch.inference_mode()
def test_each_direction_sums_up_the_whole_source(deaf_to):
    model = build(encoder_layers=1, attention="none")
    model.bridge.weight[:, deaf_to] = 0.0  # the decoder begins with what one direction read last
    before = model.start(SRC, SRC != 0).moving["layers"]
    for place in range(REAL):
        changed = SRC.clone()
        changed[0, place] = 20
        assert not torch.allclose(model.start(changed, SRC != 0).moving["layers"], before), place


@torch.inference_mode()
def test_a_residual_layer_that_says_nothing_hands_on_what_it_reads():
    for residual in (True, False):
        model = build(cell="rnn", encoder_layers=2, residual=residual)
        for weight in model.encoder[1].parameters():
            weight.zero_()
        memory = model.start(SRC, SRC != 0).fixed["memory"]
        model.encoder = model.encoder[:1]
        below = model.start(SRC, SRC != 0).fixed["memory"]
        torch.testing.assert_close(memory, below if residual else torch.zeros_like(below))


@torch.inference_mode()
def test_the_first_layer_hands_on_no_embeddings():
    model = build(cell="rnn", encoder_layers=1, residual=True)
    for weight in model.encoder[0].parameters():
        weight.zero_()
    assert not model.start(SRC, SRC != 0).fixed["memory"].any()


@torch.inference_mode()
def test_additive_scores_are_bahdanaus():
    score = AdditiveScore(8)
    query, memory = torch.randn(1, 2, 8), 5 * torch.randn(1, 3, 8)
    found = score(query, score.keys(memory))
    for t in range(2):
        for s in range(3):
            hidden = torch.tanh(score.query.weight @ query[0, t] + score.query.bias + score.key.weight @ memory[0, s])
            torch.testing.assert_close(found[0, t, s], score.out.weight[0] @ hidden)


@torch.inference_mode()
def test_embeddings_are_as_large_as_what_is_fed_beside_them():
    model = build(input_feeding=True)
    read = []
    model.decoder[0].register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    model(SRC, SRC != 0, torch.arange(2, SIZE).unsqueeze(0))
    embedded = torch.cat(read, dim=1)[..., : RECURRENT.width]
    assert 0.7 < embedded.std() < 1.4
