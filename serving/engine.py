"""Sentences of many clients become batches, in turns, so that a list of thousands starves nobody.

One queue and one model, whatever the number of clients. A batch goes out as soon as a worker is free: alone, a sentence
waits for nothing; under load, what came meanwhile goes together.
"""

import asyncio
import contextlib
import math
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from seq2seq.inference.translator import Output

SENTENCES_AT_ONCE = 64  # 32 gave three quarters of the requests of 32 clients (docs/serving.md)
CHARACTERS_AT_ONCE = 6_000
WAITING_SHARE = 0.5  # of the time that a request may take, so that there is time to translate it
RATE_MEMORY = 0.9  # of the moving average of characters a second


class Model(Protocol):
    """What translates: one loaded version."""

    key: str  # of its bundle and its search: the same key gives the same outputs

    def translate(self, sentences: list[str]) -> list[str]:
        """The best output of each."""
        ...

    def nbest(self, sentences: list[str]) -> list[list[Output]]:
        """Several outputs of each."""
        ...


class BusyError(Exception):
    """So much waits that a request is not taken. ``seconds`` says when to come again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many texts are waiting; come again in {seconds} s")
        self.seconds = seconds


@dataclass(eq=False)
class _Job:
    """Sentences of one request that still wait."""

    model: Model
    nbest: bool
    waiting: deque[int]
    sentences: Sequence[str]
    results: list[Any]
    done: "asyncio.Future[None]"
    left: int


class Cache:
    """What sentences were translated to, the oldest forgotten first; its size is counted in bytes of text."""

    OVERHEAD = 300  # bytes of Python objects beside the text of an entry

    def __init__(self, limit: int) -> None:
        self.limit, self.size = limit, 0
        self.hits = self.misses = 0
        self._entries: OrderedDict[tuple[str, bool, str], tuple[Any, int]] = OrderedDict()

    def get(self, model: Model, nbest: bool, sentence: str) -> Any:
        """The result, or None."""
        key = (model.key, nbest, sentence)
        if (found := self._entries.get(key)) is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(key)
        return found[0]

    def put(self, model: Model, nbest: bool, sentence: str, result: Any) -> None:
        """Keep a result."""
        texts = [result] if isinstance(result, str) else [one.text for one in result]
        size = self.OVERHEAD * (1 + len(texts) * (1 + 10 * nbest)) + 4 * (len(sentence) + sum(map(len, texts)))
        if size > self.limit:
            return
        key = (model.key, nbest, sentence)
        self.size += size - self._entries.pop(key, (None, 0))[1]
        self._entries[key] = (result, size)
        while self.size > self.limit:
            self.size -= self._entries.popitem(last=False)[1][1]


class Engine:
    """The queue, and the workers that empty it."""

    def __init__(self, workers: int, queue_characters: int, wait_seconds: float, cache_bytes: int) -> None:
        """Make it; ``queue_characters`` may wait, if half of ``wait_seconds`` will do for them."""
        self.limit, self.wait_seconds = queue_characters, wait_seconds
        self.cache = Cache(cache_bytes)
        self.waiting_characters = 0
        self.running_characters = 0
        self.batches = self.batched = 0
        self.rate = 0.0  # characters a second, of all workers together
        self._jobs: deque[_Job] = deque()
        self._some = asyncio.Event()
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, "engine")  # its own: splitting long texts must not take them
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the workers; needs a running loop."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    async def stop(self) -> None:
        """End the workers; what is being translated is finished first."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False)

    async def translate(self, model: Model, sentences: Sequence[str], *, nbest: bool = False) -> list[Any]:
        """The output of each sentence, or its n-best list.

        A caller that is cancelled takes its sentences out of the queue.

        Raises:
            BusyError: too much waits.
        """
        results = [self.cache.get(model, nbest, sentence) for sentence in sentences]
        missing = [place for place, result in enumerate(results) if result is None]
        if not missing:
            return results
        characters = sum(len(sentences[place]) for place in missing)
        self._check_room(characters)
        done = asyncio.get_running_loop().create_future()
        job = _Job(model, nbest, deque(missing), sentences, results, done, len(missing))
        self._jobs.append(job)
        self.waiting_characters += characters
        self._some.set()
        try:
            await done
        finally:
            self._drop(job)
        return results

    @contextlib.contextmanager
    def prepare(self, characters: int) -> Iterator[None]:
        """Count text that is being split into sentences as text that waits.

        Raises:
            BusyError: too much waits.
        """
        self._check_room(characters)
        self.waiting_characters += characters
        try:
            yield
        finally:
            self.waiting_characters -= characters

    def _check_room(self, characters: int) -> None:
        """Check that more may wait; where nothing waits, any text is taken."""
        if not self.waiting_characters:
            return
        room = min(self.limit, self.rate * self.wait_seconds * WAITING_SHARE) if self.rate else self.limit
        ahead = self.waiting_characters + self.running_characters
        if (beyond := ahead + characters - room) > 0:
            freed = min(beyond, ahead)  # a text that is larger than the room has to come first
            raise BusyError(max(1, math.ceil(freed / self.rate)) if self.rate else 1)

    def _drop(self, job: _Job) -> None:
        """Forget what of a job still waits."""
        self.waiting_characters -= sum(len(job.sentences[place]) for place in job.waiting)
        job.waiting.clear()

    def _next_batch(self) -> list[tuple[_Job, int]]:
        """Sentences of several jobs in turns, all for one model and of one kind; those of the oldest job first."""
        while self._jobs and not self._jobs[0].waiting:
            self._jobs.popleft()
        if not self._jobs:
            return []
        first = self._jobs[0]
        jobs = [job for job in self._jobs if job.waiting and job.model is first.model and job.nbest == first.nbest]
        batch: list[tuple[_Job, int]] = []
        characters = 0
        while len(batch) < SENTENCES_AT_ONCE and characters < CHARACTERS_AT_ONCE and jobs:
            for job in list(jobs):
                place = job.waiting.popleft()
                batch.append((job, place))
                characters += len(job.sentences[place])
                if not job.waiting:
                    jobs.remove(job)
                if len(batch) == SENTENCES_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
                    break
        self.waiting_characters -= characters
        self._jobs.rotate(-1)  # next time another job is the first
        return batch

    async def _work(self) -> None:
        while True:
            if not (batch := self._next_batch()):
                self._some.clear()
                await self._some.wait()
                continue
            began = time.monotonic()
            characters = sum(len(job.sentences[place]) for job, place in batch)
            self.running_characters += characters
            try:
                await self._run(batch)
            finally:
                self.running_characters -= characters
            rate = self._workers * characters / max(time.monotonic() - began, 1e-6)
            self.rate = RATE_MEMORY * self.rate + (1 - RATE_MEMORY) * rate if self.rate else rate
            self.batches += 1
            self.batched += len(batch)

    async def _run(self, batch: list[tuple[_Job, int]]) -> None:
        model, nbest = batch[0][0].model, batch[0][0].nbest
        run: Any = model.nbest if nbest else model.translate
        sentences = [job.sentences[place] for job, place in batch]
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._threads, run, sentences)
            if len(results) != len(batch):  # else this worker would end, and all that waits would wait for ever
                raise RuntimeError(f"the engine gave {len(results)} outputs for {len(batch)} sentences")
        except Exception as error:  # noqa: BLE001 - whatever the engine says, it must meet the one who asked for it
            if len(batch) == 1:
                job = batch[0][0]
                self._drop(job)
                if not job.done.done():
                    job.done.set_exception(error)
                return
            for job, place in batch:  # one of them is to blame, and the others are not
                if not job.done.done():
                    await self._run([(job, place)])
            return
        for (job, place), result in zip(batch, results, strict=True):
            self.cache.put(model, nbest, job.sentences[place], result)
            job.results[place] = result
            job.left -= 1
            if not job.left and not job.done.done():
                job.done.set_result(None)
