import pytest

from seq2seq.benchmark import engines as benchmark
from seq2seq.benchmark.engines import Timed, time_bundles
from seq2seq.bundles.pytorch import save_model
from seq2seq.core.errors import UserError
from seq2seq.export.ctranslate2 import export_ctranslate2
from tests.tiny_models import DECODING, LANGUAGES, RUNTIME, tiny_corpus, tiny_model

MEGABYTES_HELD = 700


@pytest.fixture(scope="module")
def bundles(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    save_model(folder / "float32", tiny_model(tokenizer), tokenizer, LANGUAGES, {}, "translation")
    export_ctranslate2(folder / "float32", folder / "int8", "int8")
    return folder


def test_each_engine_is_timed_in_a_process_of_its_own(bundles):
    held = bytearray(b"x") * (MEGABYTES_HELD * 1_000_000)  # by this process; no engine's peak may count it
    texts = tiny_corpus()["source"].tolist()
    greedy = DECODING.model_copy(update={"beam_size": 1})
    engines = {"float32": Timed(bundles / "float32", DECODING), "int8": Timed(bundles / "int8", greedy)}

    found = time_bundles(engines, texts[:4], 2, RUNTIME)

    del held
    assert list(found) == ["float32", "int8"]
    for numbers in found.values():
        assert 0 < numbers["slowest"] <= numbers["sentences_per_second"] <= numbers["fastest"]
        assert 30 < numbers["peak_rss_mb"] < MEGABYTES_HELD
        assert numbers["latency_fastest_ms"] <= numbers["latency_ms"] <= numbers["latency_slowest_ms"]
        assert 0 < numbers["latency_ms"] <= numbers["latency_p95_ms"] < 1000 * numbers["start_seconds"]
    assert found["int8"]["size_mb"] < found["float32"]["size_mb"]


def test_engines_take_turns_and_the_median_round_counts(bundles, monkeypatch):
    seconds = {"a": iter([1.0, 9.0, 2.0]), "b": iter([4.0, 4.0, 1.0])}
    paths = {"a": bundles / "float32", "b": bundles / "int8"}
    turns = []

    class FakeEngine(benchmark._Engine):
        def __init__(self):
            self.name = ""

        def ask(self, line):
            if not self.name:  # the first line is the job
                self.name = next(name for name, path in paths.items() if f'"{path}"' in line)
                return {}
            turns.append(self.name)
            latencies = [1.0, 2.0, 1.0 + 20 * len(turns)]
            return {"seconds": next(seconds[self.name]), "latencies_ms": latencies, "peak_rss_mb": 100.0 + len(turns)}

        def read(self):
            return {}

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(benchmark, "_Engine", FakeEngine)
    monkeypatch.setattr(benchmark, "PAUSE", 0)

    engines = {name: Timed(path, DECODING) for name, path in paths.items()}
    found = time_bundles(engines, ["one", "two", "three", "four"], 3, RUNTIME)

    assert turns == ["a", "b"] * 3
    rates = {name: [row[key] for key in ("slowest", "sentences_per_second", "fastest")] for name, row in found.items()}
    assert rates == {"a": [0.44, 2.0, 4.0], "b": [1.0, 1.0, 4.0]}
    assert found["b"]["peak_rss_mb"] == 106.0
    assert found["a"]["latency_ms"] == 2.0  # of 1, 1, 1, 2, 2, 2, 21, 61, 101
    assert found["a"]["latency_p95_ms"] == 85.0
    assert (found["a"]["latency_fastest_ms"], found["a"]["latency_slowest_ms"]) == (2.0, 2.0)  # each round's median


def test_a_bundle_that_cannot_be_loaded_ends_in_its_one_line(bundles, tmp_path):
    with pytest.raises(UserError, match="is no bundle"):
        time_bundles({"float32": Timed(tmp_path, DECODING)}, ["a text"], 1, RUNTIME)


def test_nothing_to_translate_is_a_users_error(bundles):
    with pytest.raises(UserError, match="no sentences"):
        time_bundles({"float32": Timed(bundles / "float32", DECODING)}, [], 1, RUNTIME)
