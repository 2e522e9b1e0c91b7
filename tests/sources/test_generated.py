"""What all corpora that the pipeline makes itself have in common."""

from itertools import count

from seq2seq.sources.generated import GeneratedParams, collect
from seq2seq.text.corpus import MONO


def test_no_source_stands_twice_even_in_other_case():
    def draw(name):
        for number in count():
            yield f"Text {number // 2}" if number % 2 else f"text {number // 2}", "the same"

    params = GeneratedParams(train_pairs=5, held_out_pairs=2, mono_lines=0, seed=1)
    corpora = collect(draw, params, "toy", distinct_targets=False)
    sources = [source for frame in corpora.values() for source in frame["source"]]
    assert len(corpora.pop(MONO)) == 0
    assert sorted(sources) == sorted(f"text {number}" for number in range(5 + 3 * 2))
