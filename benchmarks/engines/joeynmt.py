"""Joey NMT, https://github.com/joeynmt/joeynmt: its TrainManager."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joeynmt.datasets
import torch
from joeynmt.config import parse_global_args
from joeynmt.prediction import prepare
from joeynmt.training import TrainManager
from joeynmt.transformer_layers import MultiHeadedAttention, PositionwiseFeedForward
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.engines.job import Job, Pairs, Turns, draw_together, serve

SPECIAL = ["<unk>", "<pad>", "<s>", "</s>"]  # in its order


def train(job: Job, turns: Turns) -> dict[str, Any]:
    """Train on text files whose words are the numbers of pieces."""
    with tempfile.TemporaryDirectory() as folder:
        args = parse_global_args(_configuration(job, Path(folder)), rank=0, mode="train")
        model, training, validation, _ = prepare(args, rank=0, mode="train")
        _begin_as_ours(model)
        _drop_out_as_ours(model)
        manager = TrainManager(
            rank=0,
            model=model,
            model_dir=args.model_dir,
            device=args.device,
            autocast=args.autocast,
            seed=args.seed,
            train_args=args.train,
            dev_args=args.test,
        )
        manager.scheduler.step(0)  # else the first update is made at the peak
        joeynmt.datasets.TokenBatchSampler = _batch_sampler(job.train.batches)
        register_optimizer_step_post_hook(turns.count)
        manager.train_and_validate(training, validation)
    return {
        "validation_loss": _validation_loss(job, model, validation),
        "weights": sum(w.numel() for w in model.parameters()),
    }


def _configuration(job: Job, folder: Path) -> dict[str, Any]:
    _write_corpus(job, job.train, folder / "train")
    _write_corpus(job, job.validation, folder / "validation")
    vocabulary = folder / "vocabulary.txt"
    ordinary = (str(piece) for piece in range(job.vocabulary) if piece not in (job.pad, job.unk, job.bos, job.eos))
    vocabulary.write_text("\n".join([*SPECIAL, *ordinary]) + "\n")
    model, training = job.model, job.training
    layers = {
        "type": "transformer",
        "num_heads": model["heads"],
        "hidden_size": model["width"],
        "ff_size": model["feed_forward"],
        "dropout": model["dropout"],
        "layer_norm": model["norm"],
        "embeddings": {"embedding_dim": model["width"], "scale": True},
    }
    side = {"level": "word", "voc_file": str(vocabulary)}
    return {
        "name": "benchmark",
        "model_dir": str(folder),
        "use_cuda": False,
        "random_seed": training["seed"],
        "data": {
            "train": str(folder / "train"),
            "dev": str(folder / "validation"),
            "src": {"lang": "source", **side},
            "trg": {"lang": "target", **side},
        },
        "training": {
            "normalization": "tokens",
            "optimizer": "adamw",
            "adam_betas": [0.9, training["adam_beta2"]],
            "weight_decay": training["weight_decay"],
            "scheduling": "warmupinversesquareroot",
            "learning_rate": training["lr"],
            "learning_rate_min": 0.0,
            "learning_rate_warmup": training["warmup_updates"],
            "clip_grad_norm": training["clip_norm"],
            "label_smoothing": training["label_smoothing"],
            "batch_type": "token",
            "batch_size": training["batch_tokens"],
            "epochs": 1,
            "updates": job.total_updates,
            "validation_freq": 100 * job.total_updates,
        },
        "testing": {},
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "normal",
            "embed_init_weight": model["width"] ** -0.5,
            "tied_embeddings": True,
            "tied_softmax": True,
            "encoder": {**layers, "num_layers": model["encoder_layers"]},
            "decoder": {**layers, "num_layers": model["decoder_layers"]},
        },
    }


def _write_corpus(job: Job, pairs: Pairs, path: Path) -> None:
    """Write pieces as words; it adds BOS and EOS itself."""
    for side, sentences in (("source", [one[:-1] for one in pairs.src]), ("target", pairs.tgt)):
        lines = (" ".join("<unk>" if piece == job.unk else str(piece) for piece in one) for one in sentences)
        path.with_suffix(f".{side}").write_text("".join(f"{line}\n" for line in lines))


def _begin_as_ours(model: Any) -> None:
    for layer in model.encoder.layers:
        draw_together(layer.src_src_att.q_layer, layer.src_src_att.k_layer, layer.src_src_att.v_layer)
    for layer in model.decoder.layers:
        draw_together(layer.trg_trg_att.q_layer, layer.trg_trg_att.k_layer, layer.trg_trg_att.v_layer)
        draw_together(layer.src_trg_att.k_layer, layer.src_trg_att.v_layer)


def _drop_out_as_ours(model: torch.nn.Module) -> None:
    """Leave dropout of embeddings and of what is added to the residual; none within sub-layers."""
    for module in model.modules():
        if isinstance(module, MultiHeadedAttention):
            module.dropout.p = 0.0
        elif isinstance(module, PositionwiseFeedForward):
            module.pwff_layer[2].p = 0.0


def _batch_sampler(batches: list[list[int]]) -> type:
    class GivenBatches(joeynmt.datasets.TokenBatchSampler):  # type: ignore[misc]
        """Yields the job's batches; its own are not sorted by length, and hold more padding."""

        def __iter__(self) -> Iterator[list[int]]:
            return iter(batches)

    return GivenBatches


@torch.inference_mode()
def _validation_loss(job: Job, model: Any, validation: Any) -> float:
    model.eval()
    model.loss_function = ("crossentropy", 0.0)  # without label smoothing
    batches = validation.make_iter(batch_size=64, pad_index=model.pad_index, eos_index=model.eos_index)
    total: float = sum(model(return_type="loss", **vars(batch))[0].item() for batch in batches)
    return total / sum(map(job.validation.target_tokens, job.validation.batches))


if __name__ == "__main__":
    serve(train)
