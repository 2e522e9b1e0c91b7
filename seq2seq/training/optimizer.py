"""What changes the weights: AdamW, and a moving average that follows it."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import PARAM_LIST, AveragedModel

from seq2seq.models.encoder_decoder import EncoderDecoder
from seq2seq.training.params import TrainingParams


def make_optimizer(model: nn.Module, params: TrainingParams) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101), which without decay is Adam."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in trained if weight.dim() > 1], "weight_decay": params.weight_decay},
        {"params": [weight for weight in trained if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=params.lr, betas=(0.9, params.adam_beta2), eps=1e-9, fused=True)


def moving_average(model: EncoderDecoder, decay: float) -> AveragedModel:
    """Exponential moving average of weights (Polyak and Juditsky 1992, https://doi.org/10.1137/0330046).

    The decay grows from 2/11 to what is asked for, else the weights of the first updates would stay in the average of
    a short training; as in TensorFlow, https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage.
    """

    def average(averages: PARAM_LIST, weights: PARAM_LIST, seen: Tensor | int) -> None:
        torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + int(seen)) / (10 + int(seen))))

    return AveragedModel(model, multi_avg_fn=average)
