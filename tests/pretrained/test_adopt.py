"""Pretrained models: what they compute is what Hugging Face computes, and what can't be used is told in one line."""

import json
import shutil
import socket
import subprocess
import sys

import pytest
import torch
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    EncoderDecoderModel,
    LEDConfig,
    LEDForConditionalGeneration,
    NllbTokenizer,
    RobertaConfig,
    RobertaForMaskedLM,
)

from seq2seq.bundles.manifest import TOKENIZER, bundle_digest
from seq2seq.bundles.pytorch import load_model, save_model
from seq2seq.core.errors import UserError
from seq2seq.decoding.beam_search import beam_search
from seq2seq.inference.translator import Translator
from seq2seq.models.batches import pad
from seq2seq.models.huggingface import FineTuningParams, take_head
from seq2seq.tokenizers.base import BOS, BT, EOS, PAD, UNK
from seq2seq.tokenizers.load import load_tokenizer
from seq2seq.training.initial_model import first_model
from seq2seq.training.trainer import Trainer
from tests.pretrained_models import BART_LIKE, KINDS, adopt, bundle_of, tiny_bart, tiny_bert, tiny_t5
from tests.tiny_models import DECODING, LANGUAGES, RUNTIME, TRAINING, tiny_corpus, tiny_model, tiny_pairs
from tests.toy_project import REPOSITORY

CPU = torch.device("cpu")
TEXTS = ["the cat sees the sea .", "12 books", "a dog paints three apples ."]
TUNING = FineTuningParams(
    model="",
    revision="main",
    prefix="",
    dropout=0.1,
    max_length=64,
    lora_rank=0,
    lora_alpha=16.0,
    lora_dropout=0.1,
    seed=1,
)
LORA = TUNING.model_copy(update={"lora_rank": 4})


def untied_t5(folder):
    """As T5 1.1 and its successors are: an output projection of its own, and hidden states that are not scaled."""
    tiny_t5(folder, tie_word_embeddings=False)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": False}
    del config["scale_decoder_outputs"]  # as the files on huggingface.co say it
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def saved_bert2bert(folder):
    """A pair of BERTs that somebody has trained and saved."""
    tiny_bert(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(3)
    model = EncoderDecoderModel.from_encoder_decoder_pretrained(folder, folder)
    model.config.decoder_start_token_id = tokenizer.cls_token_id
    model.config.pad_token_id, model.config.eos_token_id = tokenizer.pad_token_id, tokenizer.sep_token_id
    model.save_pretrained(folder)
    return folder


WHOLE = {kind: make for kind, make in KINDS.items() if kind != "bert2bert"}
WHOLE |= {"untied-t5": untied_t5, "bert2bert": saved_bert2bert}


@pytest.fixture(scope="module", params=WHOLE)
def both(request, tmp_path_factory):
    """A model as Hugging Face reads it, and as we do."""
    folder = tmp_path_factory.mktemp(request.param)
    theirs = AutoModelForSeq2SeqLM.from_pretrained(WHOLE[request.param](folder / "theirs")).eval()
    ours, tokenizer = load_model(adopt(folder / "theirs", folder / "ours"))
    return theirs, AutoTokenizer.from_pretrained(folder / "theirs"), ours, tokenizer


@torch.inference_mode()
def test_logits_are_those_of_the_original(both):
    theirs, _, ours, tokenizer = both
    src, tgt = pad(tokenizer.encode_source(TEXTS)), pad([[BOS, *one] for one in tokenizer.encode_target(TEXTS)])
    expected = theirs(
        input_ids=ours.theirs[src], attention_mask=(src != PAD).long(), decoder_input_ids=ours.theirs[tgt]
    ).logits[..., ours.theirs]
    hidden = ours(src, src != PAD, tgt)
    found = ours.project(hidden)
    produced = ours.never == 0
    torch.testing.assert_close(found[..., produced], expected[..., produced], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(hidden @ ours.output_weight.t(), found, rtol=1e-4, atol=1e-4)
    assert (found[..., ~produced] < found.amax(-1, keepdim=True) - 50).all()


@torch.inference_mode()
def test_greedy_search_finds_what_generate_finds(both):
    theirs, their_tokenizer, ours, tokenizer = both
    sources = tokenizer.encode_source(TEXTS)
    src = pad(sources)
    greedy = DECODING.model_copy(update={"beam_size": 1})
    found = [one[0].tokens for one in beam_search(ours, src, src != PAD, greedy, bos=BOS, eos=EOS, max_length=15)]
    assert [[int(ours.theirs[one]) for one in row] for row in sources] == their_tokenizer(TEXTS)["input_ids"]
    generated = theirs.generate(
        ours.theirs[src],
        attention_mask=(src != PAD).long(),
        do_sample=False,
        num_beams=1,
        max_new_tokens=15,
        forced_bos_token_id=None,
        forced_eos_token_id=None,
        decoder_start_token_id=int(ours.theirs[BOS]),
        eos_token_id=int(ours.theirs[EOS]),
        suppress_tokens=sorted({int(ours.theirs[one]) for one in (PAD, BOS, BT)} - {int(ours.theirs[EOS])}),
    )
    end = int(ours.theirs[EOS])
    expected = [row.tolist()[1:] for row in generated]
    expected = [row[: row.index(end)] if end in row else row for row in expected]
    assert [[int(ours.theirs[one]) for one in row] for row in found] == expected
    assert any(found)


def test_both_sides_of_a_pair_of_berts_start_as_the_encoder(tmp_path):
    tiny_bert(tmp_path / "bert")
    first, again, other = (adopt(tmp_path / "bert", tmp_path / name, int(name[0])) for name in ("1", "1 again", "2"))
    assert bundle_digest(first) == bundle_digest(again) != bundle_digest(other)
    weights, others = (load_model(one)[0].weights() for one in (first, other))
    fresh = {name for name in weights if "crossattention" in name and name.endswith("weight") and "Norm" not in name}
    assert {name for name in weights if not torch.equal(weights[name], others[name])} == fresh
    layers = "encoder.layer.1.attention.self.query.weight"
    assert torch.equal(weights[f"body.encoder.{layers}"], weights[f"body.decoder.bert.{layers}"])


def test_a_roberta_begins_to_count_its_positions_behind_its_padding(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_bart(tmp_path / "bart"))
    special = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": tokenizer.bos_token_id}
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=40, **special, **shape)
    RobertaForMaskedLM(config).save_pretrained(tmp_path / "roberta")
    tokenizer.save_pretrained(tmp_path / "roberta")
    model, ours = load_model(adopt(tmp_path / "roberta", tmp_path / "bundle"))
    assert model.params.max_length == 40 - tokenizer.pad_token_id - 1
    (source,) = ours.encode_source(["12 books " * 20])
    src = torch.tensor([source[: model.params.max_length]])
    assert model(src, src != PAD, src).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_place_of_a_model_is_not_in_its_bundle(kind, tmp_path):
    folder = KINDS[kind](tmp_path / "here" / kind)
    shutil.copytree(folder, tmp_path / "elsewhere")
    here, there = adopt(folder, tmp_path / "one"), adopt(tmp_path / "elsewhere", tmp_path / "two")
    assert bundle_digest(here) == bundle_digest(there)
    for file in (path for path in here.rglob("*") if path.is_file()):
        assert str(tmp_path).encode() not in file.read_bytes()


def test_a_bundle_is_read_without_a_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(Translator.load(bundle_of("t5"), RUNTIME).translate(TEXTS, DECODING)) == len(TEXTS)


@pytest.mark.parametrize("kind", KINDS)
def test_text_becomes_ordinary_pieces_between_the_models_own(kind, tmp_path):
    tokenizer = load_tokenizer(bundle_of(kind) / TOKENIZER)
    assert tokenizer.source_size == tokenizer.target_size == len(tokenizer.source_pieces)
    corpus = tiny_corpus()
    assert tokenizer.decode_target(tokenizer.encode_target(list(corpus["target"]))) == [
        text.replace(" .", ".") if kind == "bert2bert" else text for text in corpus["target"]
    ]
    spelled = ["<bt> a </s> b", "<s><pad>", "[SEP] [CLS][PAD]", "<extra_id_0> <mask> [MASK]"]
    start = len(tokenizer.facts.target_start)
    for ids in tokenizer.encode_target(spelled):
        assert not set(ids[start:]) & {PAD, BOS, EOS, BT}
    tokenizer.reverse().reverse().with_prefix("my aunt: ").save(tmp_path / "saved")
    prefixed = load_tokenizer(tmp_path / "saved")
    assert prefixed.encode_source(["12 books"]) == tokenizer.encode_source(["my aunt: 12 books"])
    assert prefixed.encode_target(["12 books"]) == tokenizer.encode_target(["12 books"])
    assert prefixed.reverse().encode_source(["12 books"]) == tokenizer.reverse().encode_source(["12 books"])
    real, tagged = (tokenizer.encode_source(TEXTS, synthetic) for synthetic in (False, True))
    assert tagged == [[BT, *ids] for ids in real]
    assert all(ids[-1] == EOS for ids in real)
    assert tokenizer.encode_target([]) == tokenizer.decode_target([]) == []


def test_a_marian_cuts_each_language_by_its_own_model_in_both_directions():
    tokenizer = load_tokenizer(bundle_of("marian") / TOKENIZER)
    backward = tokenizer.reverse()
    german = list(tiny_corpus()["target"])
    assert backward.encode_source(german) == [[*ids, EOS] for ids in tokenizer.encode_target(german)]
    assert backward.encode_target(TEXTS) == [ids[:-1] for ids in tokenizer.encode_source(TEXTS)]
    assert backward.encode_target(TEXTS) != tokenizer.encode_target(TEXTS)
    assert backward.decode_target(backward.encode_target(TEXTS)) == TEXTS


def test_unknown_text_is_a_visible_piece():
    tokenizer = load_tokenizer(bundle_of("t5") / TOKENIZER)
    assert UNK in tokenizer.encode_target(["漢"])[0]
    assert "⁇" in tokenizer.decode_target(tokenizer.encode_target(["a 漢"]))[0]


def tuned(params, kind="t5"):
    tokenizer = load_tokenizer(bundle_of(kind) / TOKENIZER)
    torch.manual_seed(1)
    return first_model("pretrained", params, tokenizer, bundle_of(kind)), tokenizer


def trained(params, work, **changes):
    work.mkdir(exist_ok=True)
    model, tokenizer = tuned(params)
    pairs = tiny_pairs(tokenizer)
    trainer = Trainer(model, TRAINING.model_copy(update={"max_updates": 12} | changes), work, CPU, None)
    return trainer, trainer.train(lambda _: [pairs], pairs, "test"), tokenizer


def test_training_begins_with_the_weights_of_the_bundle():
    stored = load_model(bundle_of("t5"))[0].weights()
    for params in (TUNING, LORA):
        model, _ = tuned(params)
        assert model.params.dropout == 0.1 and model.params.max_length == 64
        assert all(torch.equal(weight, stored[name]) for name, weight in model.weights().items())


def test_weights_that_no_gradient_reaches_are_frozen_since_several_processes_need_one_for_each(tmp_path):
    tiny_bart(tmp_path / "led")
    vocabulary = json.loads((tmp_path / "led/config.json").read_text())
    kept = {key: vocabulary[key] for key in vocabulary if key.endswith("_token_id") or key == "vocab_size"}
    places = {"max_encoder_position_embeddings": 128, "max_decoder_position_embeddings": 128, "attention_window": 16}
    shape = {key: value for key, value in BART_LIKE.items() if key != "max_position_embeddings"}
    LEDForConditionalGeneration(LEDConfig(**kept, **shape, **places)).save_pretrained(tmp_path / "led")
    bundle = adopt(tmp_path / "led", tmp_path / "bundle")
    model = first_model("pretrained", TUNING, load_tokenizer(bundle / TOKENIZER), bundle)
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    assert {name.split(".")[-2] for name in frozen if name != "head_bias"} == {
        "query_global",
        "key_global",
        "value_global",
    }
    assert all(weight.grad is None for weight in model.parameters())


@torch.no_grad()
def test_low_rank_updates_are_all_that_is_trained_and_end_in_a_plain_model(tmp_path):
    model, tokenizer = tuned(LORA)
    names = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert names and all(".lora_" in name for name in names)
    before = model.weights()
    with torch.inference_mode(False):
        trainer, points, _ = trained(LORA, tmp_path / "work", average_checkpoints=1, lr=1e-2)
    assert points[-1].validation_loss < points[0].validation_loss
    after = trainer.model.weights()
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert {name.replace(".weight", ".lora_A.default.weight") for name in changed} == {
        name for name in names if "lora_A" in name
    }
    save_model(tmp_path / "bundle", trainer.model, tokenizer, LANGUAGES, {}, "translation")
    plain, _ = load_model(tmp_path / "bundle")
    assert plain.weights().keys() == before.keys()
    batch = tiny_pairs(tokenizer).batch(range(4))
    found = plain(batch.src, batch.src_mask, batch.tgt_in)
    torch.testing.assert_close(found, trainer.model(batch.src, batch.src_mask, batch.tgt_in))


def test_what_a_decoder_made_of_an_encoder_has_new_learns_whole_beside_low_rank_updates():
    model, _ = tuned(LORA, "bert2bert")
    learned = {name for name, weight in model.named_parameters() if weight.requires_grad and ".lora_" not in name}
    assert learned and learned == {name for name in model.weights() if ".crossattention." in name}


@torch.no_grad()
def test_merged_weights_compute_what_the_updates_compute():
    model, tokenizer = tuned(LORA)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.normal_(std=0.1)
    model.eval()
    batch = tiny_pairs(tokenizer).batch(range(4))
    expected = model(batch.src, batch.src_mask, batch.tgt_in)
    original = load_model(bundle_of("t5"))[0](batch.src, batch.src_mask, batch.tgt_in)
    assert (expected - original).norm() > 0.01 * original.norm()
    model.take_weights(model.weights().items())
    torch.testing.assert_close(model(batch.src, batch.src_mask, batch.tgt_in), expected, rtol=1e-4, atol=1e-5)


def test_inputs_of_low_rank_updates_are_dropped_out_in_training_alone():
    still = {"dropout": 0.0, "lora_dropout": 0.5}
    model, tokenizer = tuned(LORA.model_copy(update=still))
    batch = tiny_pairs(tokenizer).batch(range(4))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
        for training in (True, False):
            model.train(training)
            first, second = (model(batch.src, batch.src_mask, batch.tgt_in) for _ in range(2))
            assert torch.equal(first, second) is not training


@torch.no_grad()
def test_low_rank_updates_are_scaled_by_alpha_over_rank():
    grown = []
    for alpha in (4.0, 16.0):
        model, _ = tuned(LORA.model_copy(update={"lora_alpha": alpha}))
        before = model.weights()
        torch.manual_seed(2)
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_()
        after = model.weights()
        grown.append({name: after[name] - before[name] for name in before if ".q." in name})
    assert grown[0]
    for name, once in grown[0].items():
        torch.testing.assert_close(grown[1][name], 4 * once, rtol=1e-3, atol=1e-5)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("params", [TUNING, LORA], ids=["full", "lora"])
def test_a_killed_training_resumed_ends_with_the_same_weights(params, tmp_path, monkeypatch):
    whole, points, _ = trained(params, tmp_path / "whole")
    original = Trainer._update

    def dies(self, pairs, rows):
        original(self, pairs, rows)
        if self.position.update == 7:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Trainer, "_update", dies)
        trained(params, tmp_path / "killed")
    resumed, points_again, _ = trained(params, tmp_path / "killed")
    first, second = whole.model.weights(), resumed.model.weights()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert points_again == points


def test_embeddings_that_are_frozen_are_not_shifted(tmp_path):
    with pytest.raises(UserError, match=r"set it or pretrained\.lora_rank to 0"):
        trained(LORA, tmp_path / "lora", adversarial=0.5)
    trained(TUNING, tmp_path / "full", adversarial=0.5, max_updates=2)


def test_more_places_than_the_model_has_are_refused():
    with pytest.raises(UserError, match=r"pretrained\.max_length is 200, but the model has 128 positions"):
        tuned(TUNING.model_copy(update={"max_length": 200}), "bart")


def test_a_tokenizer_of_another_model_is_refused():
    tokenizer = load_tokenizer(bundle_of("bart") / TOKENIZER)
    with pytest.raises(UserError, match="weights and tokenizer don't belong together: the model has"):
        first_model("pretrained", TUNING, tokenizer, bundle_of("t5"))


def test_a_model_that_is_not_pretrained_is_refused(tokenizer, tmp_path):
    save_model(tmp_path / "bundle", tiny_model(tokenizer), tokenizer, LANGUAGES, {}, "translation")
    with pytest.raises(UserError, match="bundle holds a transformer model, but only a pretrained one is trained"):
        first_model("pretrained", TUNING, tokenizer, tmp_path / "bundle")


def without(folder, pattern):
    for path in folder.glob(pattern):
        path.unlink()


def as_architecture(kind):
    def change(folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))

    return change


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def weights_of_bert(folder):
    shutil.copy(tiny_bert(folder / "bert") / "model.safetensors", folder)


def tokenizer_of_nllb(folder):
    NllbTokenizer().train_new_from_iterator(tiny_corpus()["target"], 300).save_pretrained(folder)


def tokenizer_of_bart(folder):
    without(folder, "tokenizer*")
    for path in KINDS["bart"](folder / "bart").glob("tokenizer*"):
        shutil.copy(path, folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: without(folder, "config.json"), r"holds no config\.json, so it is no model of Hugging Face"),
        (lambda folder: without(folder, "tokenizer.json"), r"holds no tokenizer \(tokenizer\.json, "),
        (lambda folder: without(folder, "*.safetensors"), r"holds no model\.safetensors, and pickled weights"),
        (lambda folder: (folder / "config.json").write_text("{"), "can't be used as a pretrained model"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "can't be used as a pretrained model"),
        (cut, "can't be used as a pretrained model"),
        (as_architecture("no-such"), "can't be used as a pretrained model"),
        (as_architecture("gpt2"), "a gpt2, which is neither an encoder-decoder .* nor an encoder like BERT"),
        (weights_of_bert, "the weights are not those of the t5 that config.json describes: .* is missing"),
        (tokenizer_of_nllb, "its tokenizer must be told the languages, which is not supported"),
        (tokenizer_of_bart, "weights for 65 pieces and a tokenizer of 320 don't belong together"),
    ],
)
def test_a_folder_that_can_not_be_used_is_told_in_one_line(tmp_path, change, message):
    tiny_t5(tmp_path / "t5")
    change(tmp_path / "t5")
    with pytest.raises(UserError, match=message) as caught:
        adopt(tmp_path / "t5", tmp_path / "bundle")
    assert str(tmp_path / "t5") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bundle").exists()


def test_a_model_that_computes_otherwise_than_we_do_is_refused(tmp_path, monkeypatch):
    def otherwise(body):
        weight, bias = take_head(body)
        return 2 * weight, bias

    monkeypatch.setattr("seq2seq.pretrained.adopt.take_head", otherwise)
    with pytest.raises(UserError, match="a t5 computes its outputs in a way that is not known here"):
        adopt(tiny_t5(tmp_path / "t5"), tmp_path / "bundle")


def test_other_architectures_load_no_library_of_hugging_face(tmp_path):
    (tmp_path / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    heavy = "print([one for one in ('transformers', 'peft', 'huggingface_hub', 'torch') if one in sys.modules])"
    arguments = ["--out", "out", "--code", "pretrained.txt"]
    script = f"import sys, tasks.pretrained\nsys.argv[1:] = {arguments}\ntasks.pretrained.main()\n{heavy}\n"
    script += f"import seq2seq.training.fit, seq2seq.inference.translator, seq2seq.decoding.torch_engine\n{heavy}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    said, first, second = done.stdout.splitlines()
    assert said == "pretrained: nothing to do, as model.architecture is transformer"
    assert (first, second) == ("[]", "['torch']")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["nothing.txt"]  # DVC warns of an empty folder
