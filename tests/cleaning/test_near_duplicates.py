import subprocess
import sys
from random import Random

import numpy as np
import pytest

from seq2seq.cleaning.near_duplicates import PERMUTATIONS, NearSeen, cut_bands, hash_near


def jaccard(one: str, other: str) -> float:
    runs, others = ({text[begin : begin + 4] for begin in range(len(text) - 3)} for text in (one, other))
    return len(runs & others) / len(runs | others)


def sentence(random: Random) -> str:
    return " ".join("".join(random.choices("abcdefghij", k=random.randint(2, 7))) for _ in range(20))


def changed(text: str, words: int, random: Random) -> str:
    """The sentence with other words in some places."""
    cut = text.split()
    for place in random.sample(range(len(cut)), words):
        cut[place] = "".join(random.choices("klmnopqr", k=len(cut[place])))
    return " ".join(cut)


@pytest.mark.parametrize("similarity", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
def test_bands_have_their_threshold_at_the_similarity_that_is_asked_for(similarity):
    bands, rows = cut_bands(similarity)
    assert (1 / bands) ** (1 / rows) == pytest.approx(similarity, abs=0.03)
    assert 0.8 * PERMUTATIONS <= bands * rows <= PERMUTATIONS


def test_how_often_lines_are_called_alike_follows_from_their_similarity():
    random = Random(1)
    lines = [sentence(random) for _ in range(400)]
    hashes = hash_near(lines, 0.8)
    bands, rows = cut_bands(0.8)
    for words in (0, 1, 2, 3, 10):
        others = [changed(line, words, random) for line in lines]
        found = (hash_near(others, 0.8) == hashes).any(axis=1).mean()
        similarities = np.array(list(map(jaccard, lines, others)))
        assert found == pytest.approx(np.mean(1 - (1 - similarities**rows) ** bands), abs=0.06)


def test_at_similarity_1_the_texts_are_equal():
    hashes = hash_near(["a b", "a b", "a c", ""], 1)
    assert hashes.shape == (4, 1)
    assert len(np.unique(hashes)) == 3


def test_of_a_chain_the_first_line_alone_is_new():
    seen = NearSeen()
    first = np.array([[1, 2], [1, 3], [4, 3], [5, 6]], dtype=np.uint64)
    assert seen.add(first).tolist() == [True, False, False, True]
    assert seen.add(np.array([[4, 9], [9, 9], [7, 8]], dtype=np.uint64)).tolist() == [False, False, True]


def test_another_process_finds_the_same():
    told = f"from {hash_near.__module__} import hash_near; print(hash_near(['ein Haus am See', ''], 0.8).tolist())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == str(hash_near(["ein Haus am See", ""], 0.8).tolist())


def test_no_lines_have_no_hashes():
    assert len(hash_near([], 0.8)) == 0
    assert NearSeen().add(hash_near([], 0.8)).tolist() == []
