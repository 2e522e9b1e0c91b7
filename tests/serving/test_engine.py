"""The queue: turns, batches, limits, clients that leave, and sentences that break an engine."""

import asyncio
import threading

import pytest

from serving.engine import SENTENCES_AT_ONCE, BusyError, Engine


class Model:
    """Writes in capitals, notes its batches, and waits when it is told to."""

    key = "model"

    def __init__(self):
        self.batches = []
        self.may_go = threading.Event()
        self.may_go.set()

    def translate(self, sentences):
        self.batches.append(list(sentences))
        self.may_go.wait(10)
        if "poison" in sentences:
            raise RuntimeError("can't")
        if "lost" in sentences:
            return []
        return [sentence.upper() for sentence in sentences]

    def nbest(self, sentences):
        raise NotImplementedError


def run(work, workers=1, queue=1_000_000, seconds=30.0, cache=0):
    async def main():
        engine = Engine(workers, queue, seconds, cache)
        engine.start()
        try:
            return await asyncio.wait_for(work(engine), 20)
        finally:
            await engine.stop()

    return asyncio.run(main())


async def blocked(engine, model):
    """Occupy the worker, so that what comes next waits."""
    model.may_go.clear()
    first = asyncio.create_task(engine.translate(model, ["first"]))
    while not model.batches:
        await asyncio.sleep(0.001)
    return first


def test_what_comes_while_a_batch_is_translated_goes_together_and_a_list_starves_nobody():
    model = Model()

    async def work(engine):
        first = await blocked(engine, model)
        many = asyncio.create_task(engine.translate(model, [f"line {number}" for number in range(200)]))
        await asyncio.sleep(0.01)
        ones = [asyncio.create_task(engine.translate(model, [f"one {number}"])) for number in range(5)]
        await asyncio.sleep(0.01)
        model.may_go.set()
        return [*await asyncio.gather(*ones), await many, await first]

    found = run(work)
    assert found[:5] == [[f"ONE {number}"] for number in range(5)]
    assert found[5] == [f"LINE {number}" for number in range(200)] and found[6] == ["FIRST"]
    assert {f"one {number}" for number in range(5)} <= set(model.batches[1])
    assert len(model.batches[1]) == SENTENCES_AT_ONCE


def test_beyond_the_limit_a_request_is_told_when_to_come_again():
    model = Model()

    async def work(engine):
        first = await blocked(engine, model)
        waiting = asyncio.create_task(engine.translate(model, ["x" * 90]))
        await asyncio.sleep(0.01)
        with pytest.raises(BusyError) as refused:
            await engine.translate(model, ["y" * 20])
        model.may_go.set()
        await asyncio.gather(first, waiting)
        assert engine.waiting_characters == 0
        return refused.value.seconds, await engine.translate(model, ["y" * 2000])  # alone, any text is taken

    seconds, output = run(work, queue=100)
    assert seconds >= 1 and output == ["Y" * 2000]


def test_a_request_that_would_wait_too_long_is_not_taken():
    model = Model()

    async def work(engine):
        first = await blocked(engine, model)
        engine.rate = 10.0  # characters a second
        waiting = [asyncio.create_task(engine.translate(model, ["x" * 15])) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(BusyError) as refused:
            await engine.translate(model, ["y" * 35])
        model.may_go.set()
        await asyncio.gather(first, *waiting)
        return refused.value.seconds

    assert run(work, seconds=10.0) == 2  # 5 are being translated, 30 wait, 50 may: in 2 s there is room for 35


def test_a_client_that_leaves_takes_its_sentences_out_of_the_queue():
    model = Model()

    async def work(engine):
        first = await blocked(engine, model)
        leaving = asyncio.create_task(engine.translate(model, ["gone"] * 50))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert engine.waiting_characters == 0
        model.may_go.set()
        return await first, await engine.translate(model, ["next"])

    assert run(work) == (["FIRST"], ["NEXT"])
    assert not any("gone" in batch for batch in model.batches)


def test_a_sentence_that_breaks_the_engine_harms_nobody_else():
    model = Model()

    async def work(engine):
        first = await blocked(engine, model)
        good = asyncio.create_task(engine.translate(model, ["good", "better"]))
        bad = asyncio.create_task(engine.translate(model, ["fine", "poison", "also fine"]))
        await asyncio.sleep(0.01)
        model.may_go.set()
        return await first, await good, (await asyncio.gather(bad, return_exceptions=True))[0]

    _, good, error = run(work)
    assert good == ["GOOD", "BETTER"]
    assert isinstance(error, RuntimeError) and str(error) == "can't"


def test_an_engine_that_loses_outputs_stops_no_worker():
    model = Model()

    async def work(engine):
        with pytest.raises(RuntimeError, match="gave 0 outputs for 1 sentences"):
            await engine.translate(model, ["lost"])
        return await engine.translate(model, ["next"])

    assert run(work) == ["NEXT"]


def test_long_texts_that_are_split_take_no_thread_of_the_engine():
    async def work(engine):
        may_go = threading.Event()
        splitting = [asyncio.create_task(asyncio.to_thread(may_go.wait, 10)) for _ in range(50)]
        await asyncio.sleep(0.01)
        found = await asyncio.wait_for(engine.translate(Model(), ["one"]), 5)
        may_go.set()
        await asyncio.gather(*splitting)
        return found

    assert run(work) == ["ONE"]


def test_a_sentence_is_translated_once_and_the_oldest_are_forgotten():
    model = Model()

    async def work(engine):
        for sentence in ("a", "b", "a", "c", "d", "a", "b"):
            assert await engine.translate(model, [sentence]) == [sentence.upper()]
        assert engine.cache.size <= engine.cache.limit
        return [batch[0] for batch in model.batches]

    assert run(work, cache=2000) == ["a", "b", "c", "d", "b"]


def test_two_versions_never_share_a_batch():
    old, new = Model(), Model()
    new.key = "new"

    async def work(engine):
        first = await blocked(engine, old)
        both = [asyncio.create_task(engine.translate(model, ["x"])) for model in (old, new, old)]
        await asyncio.sleep(0.01)
        old.may_go.set()
        await asyncio.gather(first, *both)

    run(work)
    assert (old.batches, new.batches) == ([["first"], ["x", "x"]], [["x"]])
