import random
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_tree
from seq2seq.text.corpus import pairs, write_corpus
from seq2seq.text.normalization import normalise
from seq2seq.tokenizers import sentencepiece as module
from seq2seq.tokenizers.base import BOS, BT, EOS, PAD, SPECIAL_PIECES, UNK, Tokenizer
from seq2seq.tokenizers.load import load_tokenizer
from seq2seq.tokenizers.sentencepiece import TokenizerParams, train_tokenizer

ROOT = Path(__file__).parents[2]


def sentences(syllables: str, seed: int) -> list[str]:
    """Text with enough different words to fill a vocabulary."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(syllables.split(), k=rng.randint(1, 4))) for _ in range(400)]
    return [" ".join([*rng.choices(words, k=6), f"{rng.randrange(1000)}."]) for _ in range(600)]


ENGLISH = sentences("the re stri ped cat ho rse ele phant don key do llar cost ing qui ck ly", seed=1)
GERMAN = sentences("die ro te ge strei fte kat ze pfer de ele fant e sel grü ßen schnell weiß", seed=2)


def params(**changes: Any) -> TokenizerParams:
    values = {
        "algorithm": "unigram",
        "vocabulary": "joint",
        "vocabulary_size": 400,
        "byte_fallback": True,
        "split_digits": True,
    }
    return TokenizerParams(**{**values, **changes})


def train(out: Path, english: Iterable[str] = ENGLISH, german: Iterable[str] = GERMAN, **changes: Any) -> Tokenizer:
    return train_tokenizer(english, german, params(**changes), threads=2, out=out)


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return train(tmp_path_factory.mktemp("joint"))


def random_text(rng: random.Random) -> str:
    """Any code points at all, with the troublesome ones (white space, controls, marks) well represented."""
    ranges = [(0, 0x100), (0x300, 0x370), (0x2000, 0x2070), (0x2570, 0x2590), (0x600, 0xD000), (0xE000, 0x1F800)]
    return "".join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(rng.randrange(30)))


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
@pytest.mark.parametrize("vocabulary", ["joint", "separate"])
def test_text_survives_a_round_trip_through_ids_and_disk(tmp_path, algorithm, vocabulary):
    train(tmp_path / "t", algorithm=algorithm, vocabulary=vocabulary)
    tokenizer = load_tokenizer(tmp_path / "t")
    assert tokenizer.shared == (vocabulary == "joint")
    assert len(list((tmp_path / "t").iterdir())) == (1 if tokenizer.shared else 2)
    assert tokenizer.source_size == tokenizer.target_size == 400
    for pieces in (tokenizer.source_pieces, tokenizer.target_pieces):
        assert pieces[:5] == SPECIAL_PIECES
        assert [pieces[i] for i in (PAD, UNK, BOS, EOS, BT)] == ["<pad>", "<unk>", "<s>", "</s>", "<bt>"]
        assert len(set(pieces)) == 400
    assert tokenizer.decode_target(tokenizer.encode_target(GERMAN[:50])) == GERMAN[:50]


def test_any_normalised_text_is_restored_exactly(joint):
    rng = random.Random(1)
    texts = [normalise(random_text(rng)) for _ in range(3000)]
    assert joint.decode_target(joint.encode_target(texts)) == texts


def test_normalising_is_idempotent_and_leaves_only_single_spaces():
    rng = random.Random(2)
    for text in (random_text(rng) for _ in range(3000)):
        once = normalise(text)
        assert normalise(once) == once == unicodedata.normalize("NFC", once)
        assert once == once.strip() and "  " not in once
        assert not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or (c.isspace() and c != " ") for c in once)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u\u0308ber\u00a0\u202f100\t%\r\n", "über 100 %"),
        ("\ufeffzero\u200bwidth soft\u00adhyphen \u202bmarks\u202c\u0007", "zerowidth softhyphen marks"),
        ("½ m² № １２", "½ m² № １２"),  # not NFKC
        ("e\u200b\u0301", "é"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
        ("a\u3000b\u2028c", "a b c"),
        ("half \ud800 pair", "half pair"),
    ],
)
def test_normalising(text, expected):
    assert normalise(text) == expected


def test_what_is_served_unnormalised_is_cut_as_what_was_trained(joint):
    messy = [" The  re\u00add\u00a0cat\u200b costs\t17 dollars. "]
    assert joint.encode_source(messy) == joint.encode_source(["The red cat costs 17 dollars."])


def test_sampled_pieces_are_the_same_in_every_process(tmp_path):
    train(tmp_path)
    program = (
        "from pathlib import Path; from seq2seq.tokenizers.base import SubwordSampling; "
        "from seq2seq.tokenizers.load import load_tokenizer; "
        f"tokenizer = load_tokenizer(Path({str(tmp_path)!r})); "
        f"print(tokenizer.encode_target({ENGLISH[:20]!r}, SubwordSampling(0.2, 1)))"
    )
    first, second = (subprocess.check_output([sys.executable, "-c", program]) for _ in range(2))
    assert first == second


def test_special_pieces_come_from_the_tokenizer_and_never_from_text(joint):
    texts = ["<bt> The red cat", "</s>", "<s> <pad> <unk>", "a<bt>b"]
    for ids in joint.encode_target(texts):
        assert not set(ids) & {PAD, UNK, BOS, EOS, BT}
    real, synthetic = joint.encode_source(texts), joint.encode_source(texts, synthetic=True)
    assert [[BT, *ids] for ids in real] == synthetic
    assert all(ids[-1] == EOS for ids in real)
    assert joint.decode_target([[BT, BOS, *ids, EOS, PAD] for ids in joint.encode_target(texts)]) == texts
    assert joint.encode_source([]) == joint.encode_target([]) == joint.decode_target([]) == []
    assert joint.encode_source([""]) == [[EOS]]


def test_each_digit_is_a_piece_where_that_is_asked_for(tmp_path):
    for split in (True, False):
        pieces = train(tmp_path / str(split), split_digits=split, byte_fallback=False).source_pieces
        assert any(re.search(r"\d\d", piece) for piece in pieces) != split


def test_without_byte_fallback_unknown_characters_are_unk(tmp_path):
    tokenizer = train(tmp_path, byte_fallback=False, vocabulary_size=200)
    assert UNK in tokenizer.encode_target(["漢"])[0]


@pytest.mark.parametrize("split", [True, False])
def test_digits_are_split_where_that_is_asked_for(tmp_path, split):
    english = [f"{line} in 2024" for line in ENGLISH]
    tokenizer = train(tmp_path, english, split_digits=split, byte_fallback=False)
    together = [piece for piece in tokenizer.source_pieces if sum(map(str.isdigit, piece)) > 1]
    assert bool(together) == (not split)
    pieces = [tokenizer.source_pieces[one] for one in tokenizer.encode_source(["in 2024"])[0]]
    assert (pieces[-5:-1] == list("2024")) == split


@pytest.mark.parametrize("vocabulary", ["joint", "separate"])
def test_reverse_swaps_the_sides(tmp_path, vocabulary):
    tokenizer = train(tmp_path / "forward", vocabulary=vocabulary)
    tokenizer.reverse().save(tmp_path / "backward")
    backward = load_tokenizer(tmp_path / "backward")
    assert (backward.source_pieces, backward.target_pieces) == (tokenizer.target_pieces, tokenizer.source_pieces)
    assert backward.encode_source(GERMAN[:3]) == [[*ids, EOS] for ids in tokenizer.encode_target(GERMAN[:3])]


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_vocabulary_too_big_for_the_corpus_shrinks_with_one_notice(tmp_path, capsys, algorithm):
    tokenizer = train(tmp_path, ENGLISH[:5], GERMAN[:5], algorithm=algorithm, vocabulary_size=32_000)
    notices = [line for line in capsys.readouterr().out.splitlines() if "notice" in line]
    assert 256 < tokenizer.source_size < 32_000
    assert len(notices) == 1 and f"from 32,000 to {tokenizer.source_size:,}" in notices[0]


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_rare_characters_become_bytes_where_the_vocabulary_is_small(tmp_path, capsys, algorithm):
    rng = random.Random(3)
    chinese = ["".join(chr(0x4E00 + int(1500 * rng.random() ** 3)) for _ in range(12)) for _ in range(400)]
    tokenizer = train(tmp_path, ENGLISH[:400], chinese, algorithm=algorithm, vocabulary_size=700)
    (notice,) = [line for line in capsys.readouterr().out.splitlines() if "notice" in line]
    (told,) = re.findall(r"the ([\d,]+) most frequent of", notice)
    single = [piece for piece in tokenizer.source_pieces if len(piece) == 1]
    assert len(single) == int(told) == (700 - 256 - 5) // 2
    assert tokenizer.source_size == 700
    assert tokenizer.decode_target(tokenizer.encode_target(chinese)) == chinese
    assert UNK not in {one for ids in tokenizer.encode_target(chinese) for one in ids}


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
@pytest.mark.parametrize("byte_fallback", [True, False])
def test_vocabulary_smaller_than_what_it_must_hold_is_refused_with_the_least_that_works(
    tmp_path, algorithm, byte_fallback
):
    kind = {"algorithm": algorithm, "byte_fallback": byte_fallback}
    what = "bytes" if byte_fallback else "characters of the joint side"
    with pytest.raises(
        UserError, match=rf"'tokenizer.vocabulary_size' is 20, .* {what} .* need (\d+) pieces"
    ) as refused:
        train(tmp_path / "small", **kind, vocabulary_size=20)
    assert not (tmp_path / "small").exists()
    least = int(str(refused.value).split(" need ")[1].split()[0])
    assert train(tmp_path / "least", **kind, vocabulary_size=least).source_size == least
    with pytest.raises(UserError, match=f"need {least} pieces"):
        train(tmp_path / "less", **kind, vocabulary_size=least - 1)


def test_a_corpus_without_lines_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"joint side .* no lines"):
        train(tmp_path, [], ["", " "])
    with pytest.raises(UserError, match=r"target side .* no lines"):
        train(tmp_path, german=[], vocabulary="separate")


def test_damaged_foreign_and_absent_files_are_refused(tmp_path):
    train(tmp_path / "good")
    model = (tmp_path / "good/joint.model").read_bytes()
    for damaged in (b"", b"garbage", model[: len(model) // 2]):
        (tmp_path / "good/joint.model").write_bytes(damaged)
        with pytest.raises(UserError, match=r"damaged; make the tokenizer again"):
            load_tokenizer(tmp_path / "good")
    with (tmp_path / "good/joint.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(ENGLISH), model_writer=file, vocab_size=100, minloglevel=4
        )
    with pytest.raises(UserError, match="not one of ours"):
        load_tokenizer(tmp_path / "good")
    with pytest.raises(UserError, match="holds no tokenizer"):
        load_tokenizer(tmp_path / "nowhere")


def test_a_large_corpus_is_sampled_evenly_and_the_same_way_each_time():
    lines = [f"line {number}" for number in range(5000)]
    sample = module._sample(iter(lines), limit=500)
    assert len(sample) == 500 == len(set(sample))
    assert sample == [line for line in lines if line in set(sample)]  # in the corpus's order
    assert set(module._sample(reversed(lines), limit=500)) == set(sample)
    numbers = [int(line.split()[1]) for line in sample]
    assert all(60 < sum(low <= number < low + 1000 for number in numbers) < 140 for low in range(0, 5000, 1000))
    assert module._sample(["a", " ", "", "b"], limit=500) == ["a", "b"]


LONG = [" ".join(ENGLISH[start : start + 200]) for start in range(0, 600, 200)]  # each of about 8 kB


@pytest.mark.parametrize("algorithm", ["unigram", "bpe"])
def test_all_that_is_told_to_be_learned_from_is(tmp_path, monkeypatch, capfd, algorithm):
    """SentencePiece leaves out long lines, and those with its reserved character, in silence."""
    monkeypatch.setattr(module, "LOG_NOTHING", 0)
    assert all(len(line.encode()) > 4192 for line in LONG)
    chinese = "".join(chr(0x4E00 + number % 150) for number in range(9000))  # 27 kB without a space
    english = [*LONG, *(f"{line} ▅" for line in ENGLISH[:30]), "▅", chinese]
    train(tmp_path, english, GERMAN, algorithm=algorithm, vocabulary_size=600)
    said = capfd.readouterr().err
    assert "Skipped" not in said
    (told,) = re.findall(r"learning the joint vocabulary from ([\d,]+) lines", said)
    (loaded,) = re.findall(r"Loaded all (\d+) sentences", said)
    assert told == loaded
    (parts,) = re.findall(r"4 source lines of more than 4,192 bytes are learned from in (\d+) parts", said)
    assert int(told) == int(parts) + 30 + len(GERMAN)


def test_long_lines_alone_teach_what_their_sentences_do(tmp_path):
    long, short = train(tmp_path / "long", LONG, LONG), train(tmp_path / "short", ENGLISH, ENGLISH)
    assert len({*long.source_pieces} & {*short.source_pieces}) > 0.97 * 400  # ties are broken otherwise


def test_a_line_is_cut_at_spaces_and_between_characters_and_loses_nothing():
    assert list(module.cut_line("aaa bbb ccc", 7)) == ["aaa bbb", "ccc"]
    assert list(module.cut_line("aaa bbb ccc", 6)) == ["aaa", "bbb", "ccc"]
    assert list(module.cut_line("漢字漢字", 7)) == ["漢字", "漢字"]
    rng = random.Random(3)
    for _ in range(2000):
        line, limit = random_text(rng), rng.randrange(4, 20)
        parts = list(module.cut_line(line, limit))
        assert all(len(part.encode()) <= limit for part in parts)
        assert "".join(parts).replace(" ", "") == line.replace(" ", "")


def test_long_lines_are_sampled_by_their_size_and_in_whatever_order_alike():
    lines = [f"line {number} " + "x" * (number % 90) for number in range(2000)]
    sample = module._sample(lines, limit_bytes=20_000)
    assert 19_900 < sum(map(len, sample)) <= 20_000
    assert set(module._sample(reversed(lines), limit_bytes=20_000)) == set(sample)


def run_stage(
    folder: Path, english: list[str], german: list[str], hash_seed: str = "0"
) -> "subprocess.CompletedProcess[str]":
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    write_corpus(folder / "data/clean/train", [pairs(english, german, "test")], rows=100)
    paths = ["--corpus", "data/clean/train", "--pretrained", "models/pretrained", "--out", "models/tokenizer"]
    return subprocess.run(
        [sys.executable, "-m", "tasks.tokenizer", *paths],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_stage_writes_the_same_bytes_in_any_folder(tmp_path):
    folders = [tmp_path / "here", tmp_path / "somewhere/else/entirely"]
    for seed, folder in enumerate(folders):
        folder.mkdir(parents=True)
        done = run_stage(folder, ENGLISH, GERMAN, hash_seed=str(seed))
        assert done.returncode == 0, done.stderr
        assert "pieces" in done.stdout and "sentencepiece" not in done.stderr.lower()
    here, there = (sha256_tree(folder / "models") for folder in folders)
    assert here == there
    assert str(tmp_path).encode() not in (folders[0] / "models/tokenizer/joint.model").read_bytes()


def test_the_stage_ends_a_users_mistake_with_one_line_and_leaves_nothing(tmp_path):
    done = run_stage(tmp_path, [], [])
    assert done.returncode == 2
    assert done.stderr.startswith("error: tokenizer:") and done.stderr.count("\n") == 1
    assert list((tmp_path / "models").iterdir()) == []
