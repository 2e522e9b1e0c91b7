"""Hugging Face transformers, https://github.com/huggingface/transformers: its Trainer over a Marian model."""

import tempfile
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader
from transformers import MarianConfig, MarianMTModel, Trainer, TrainingArguments

from benchmarks.engines.job import Job, Turns, draw_together, serve

IGNORED = -100  # the label of padding


def train(job: Job, turns: Turns) -> dict[str, Any]:
    """Train on the numbers of pieces."""
    torch.manual_seed(job.training["seed"])
    model = MarianMTModel(_configuration(job))
    _begin_as_ours(model)
    register_optimizer_step_post_hook(turns.count)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _JobTrainer(model=model, args=_arguments(job, folder))
        trainer.job = job
        trainer.train()
    model.eval()

    def predict(src: Tensor, tgt_in: Tensor) -> Tensor:
        logits: Tensor = model(input_ids=src, attention_mask=src != job.pad, decoder_input_ids=tgt_in).logits
        return logits

    return {"validation_loss": job.validation_loss(predict), "weights": sum(w.numel() for w in model.parameters())}


def _begin_as_ours(model: Any) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module is not model.lm_head:
            torch.nn.init.xavier_uniform_(module.weight)
    for layer in (*model.model.encoder.layers, *model.model.decoder.layers):
        draw_together(layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj)
    for layer in model.model.decoder.layers:
        draw_together(layer.encoder_attn.k_proj, layer.encoder_attn.v_proj)


def _configuration(job: Job) -> MarianConfig:
    model = job.model
    return MarianConfig(
        vocab_size=job.vocabulary,
        d_model=model["width"],
        encoder_layers=model["encoder_layers"],
        decoder_layers=model["decoder_layers"],
        encoder_attention_heads=model["heads"],
        decoder_attention_heads=model["heads"],
        encoder_ffn_dim=model["feed_forward"],
        decoder_ffn_dim=model["feed_forward"],
        activation_function=model["activation"],
        dropout=model["dropout"],
        attention_dropout=0.0,
        activation_dropout=0.0,
        max_position_embeddings=model["max_length"],
        scale_embedding=True,
        init_std=model["width"] ** -0.5,
        pad_token_id=job.pad,
        bos_token_id=job.bos,
        eos_token_id=job.eos,
        decoder_start_token_id=job.bos,
    )


def _arguments(job: Job, folder: str) -> TrainingArguments:
    training = job.training
    return TrainingArguments(
        output_dir=folder,
        use_cpu=True,
        max_steps=job.total_updates,
        learning_rate=training["lr"],
        lr_scheduler_type="inverse_sqrt",
        warmup_steps=training["warmup_updates"],
        adam_beta2=training["adam_beta2"],
        adam_epsilon=1e-9,
        weight_decay=training["weight_decay"],
        max_grad_norm=training["clip_norm"],
        label_smoothing_factor=training["label_smoothing"],
        seed=training["seed"],
        remove_unused_columns=False,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


class _JobTrainer(Trainer):  # type: ignore[misc]
    job: Job

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Load the job's batches."""
        pairs = self.job.train
        return DataLoader(range(len(pairs.src)), batch_sampler=pairs.batches, collate_fn=self._collate)  # type: ignore[arg-type]

    def _collate(self, batch: list[int]) -> dict[str, Tensor]:
        src, tgt_in, tgt_out = self.job.padded(self.job.train, batch)
        return {
            "input_ids": src,
            "attention_mask": (src != self.job.pad).long(),
            "decoder_input_ids": tgt_in,
            "labels": tgt_out.masked_fill(tgt_out == self.job.pad, IGNORED),
        }


if __name__ == "__main__":
    serve(train)
