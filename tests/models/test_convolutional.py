"""What convolutional models are made of: positions, values and queries of attention."""

import torch

from seq2seq.models.convolutional import Convolutional, ConvolutionalParams, SourceAttention

SIZE = 40  # pieces
PARAMS = ConvolutionalParams(encoder_layers=2, decoder_layers=1, width=32, kernel=3, dropout=0.1, max_length=64)


@torch.inference_mode()
def test_values_are_keys_with_the_embeddings_of_pieces_and_positions():
    torch.manual_seed(1)
    model = Convolutional(PARAMS, SIZE, SIZE, shared=True).eval()
    src = torch.tensor([[7, 8, 7, 3]])
    fixed = model.start(src, src != 0).fixed
    embedded = (model.source_embedding.weight[src] + model.source_positions.weight[:4]) * 4  # the root of 32 / 2
    torch.testing.assert_close(fixed["values"] - fixed["keys"], embedded, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_queries_know_the_piece_that_was_read_last():
    torch.manual_seed(1)
    attention = SourceAttention(8)
    mask = torch.ones(1, 3, dtype=torch.bool)
    hidden, keys = torch.zeros(1, 1, 8), torch.eye(8)[:3].unsqueeze(0)
    for place in range(3):
        embedded = 9 * keys[:, place : place + 1]
        assert attention.weights(hidden, embedded, keys, keys, mask).argmax() == place
