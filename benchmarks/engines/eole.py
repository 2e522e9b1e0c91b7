"""eole, https://github.com/eole-nlp/eole: its Trainer."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from eole.config.run import TrainConfig
from eole.models.model import get_model_class
from eole.train_single import TrainingInitializer
from eole.trainer import build_trainer
from eole.utils.optimizers import Optimizer
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.engines.job import Job, Turns, draw_together, serve

CPU = -1


def train(job: Job, turns: Turns) -> dict[str, Any]:
    """Train on tensors of the numbers of pieces."""
    with tempfile.TemporaryDirectory() as folder:
        context = TrainingInitializer(_configuration(job, Path(folder))).initialize()
    config = context.config
    torch.manual_seed(job.training["seed"])
    model = get_model_class(config.model).for_training(config.model, context.vocabs, config.training, device_id=CPU)
    torch.nn.init.normal_(model.src_emb.embeddings.weight, std=job.model["width"] ** -0.5)
    for layer in (*model.encoder.transformer_layers, *model.decoder.transformer_layers):
        draw_together(layer.self_attn.linear_query, layer.self_attn.linear_keys, layer.self_attn.linear_values)
        layer.mlp.dropout_1.p = 0.0  # ours has none within the feed-forward sub-layer
    for layer in model.decoder.transformer_layers:
        draw_together(layer.context_attn.linear_keys, layer.context_attn.linear_values)
    trainer = build_trainer(config, CPU, model, context.vocabs, Optimizer.from_config(model, config))
    register_optimizer_step_post_hook(turns.count)
    trainer.train(_batches(job), job.total_updates, save_checkpoint_steps=0)
    model.eval()

    def predict(src: Tensor, tgt_in: Tensor) -> Tensor:
        # it leaves out the last piece of each target
        padded = torch.cat([tgt_in, tgt_in.new_full((len(tgt_in), 1), job.pad)], dim=1)
        hidden = model(src, padded, (src != job.pad).sum(1))[0]
        logits: Tensor = model.generator(hidden)
        return logits

    return {"validation_loss": job.validation_loss(predict), "weights": sum(w.numel() for w in model.parameters())}


def _batches(job: Job) -> Iterator[tuple[dict[str, Any], int]]:
    """What its own iterator yields: tensors, and the number of the bucket."""
    for batch in job.train.batches:
        src, tgt_in, tgt_out = job.padded(job.train, batch)
        tgt = torch.cat([tgt_in[:, :1], tgt_out], dim=1)  # BOS, the pieces, EOS
        lengths = {"srclen": (src != job.pad).sum(1), "tgtlen": (tgt != job.pad).sum(1)}
        unused = {"images": None, "prefix_len": None, "cid": ["corpus"] * len(batch), "cid_line_number": batch}
        yield {"src": src, "tgt": tgt, **lengths, **unused}, 0


def _configuration(job: Job, folder: Path) -> TrainConfig:
    special = {job.pad: "<pad>", job.unk: "<unk>", job.bos: "<s>", job.eos: "</s>"}
    vocabulary = folder / "vocabulary.txt"
    vocabulary.write_text("".join(f"{special.get(piece, piece)}\n" for piece in range(job.vocabulary)))
    model, training = job.model, job.training
    layers = {"heads": model["heads"], "hidden_size": model["width"], "transformer_ff": model["feed_forward"]}
    return TrainConfig(
        src_vocab=str(vocabulary),
        tgt_vocab=str(vocabulary),
        share_vocab=True,
        src_vocab_size=job.vocabulary,
        tgt_vocab_size=job.vocabulary,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        decoder_start_token="<s>",
        data={},
        seed=training["seed"],
        model={
            "architecture": "transformer",
            "hidden_size": model["width"],
            "transformer_ff": model["feed_forward"],
            "heads": model["heads"],
            "share_embeddings": True,
            "share_decoder_embeddings": True,
            "generator_bias": False,
            "add_qkvbias": True,
            "add_ffnbias": True,
            "embeddings": {"word_vec_size": model["width"], "position_encoding_type": "SinusoidalInterleaved"},
            "encoder": {"encoder_type": "transformer", "layers": model["encoder_layers"], **layers},
            "decoder": {"decoder_type": "transformer", "layers": model["decoder_layers"], **layers},
        },
        training={
            "compute_dtype": "fp32",
            "world_size": 0,
            "gpu_ranks": [],
            "param_init_method": "xavier_uniform",
            "optim": "adamw",
            "adam_beta2": training["adam_beta2"],
            "adam_eps": 1e-9,
            "weight_decay": training["weight_decay"],
            "decay_method": "noam",
            # its schedule is this times min(update ** -0.5, update * warmup ** -1.5) / width ** 0.5
            "learning_rate": training["lr"] * (training["warmup_updates"] * model["width"]) ** 0.5,
            "warmup_steps": training["warmup_updates"],
            "max_grad_norm": training["clip_norm"],
            "normalization": "tokens",
            "label_smoothing": training["label_smoothing"],
            "dropout": [model["dropout"]],
            "attention_dropout": [0.0],
            "log_attention_entropy": False,
            "train_steps": job.total_updates,
        },
    )


if __name__ == "__main__":
    serve(train)
