"""Follows an alias of the registry: loads what it stands for beside what answers, and lets it take over."""

import asyncio
import logging

from seq2seq.core.redaction import redact
from serving.metrics import Metrics
from serving.models import Loaded, Models
from serving.registered import AWAY, Registered

log = logging.getLogger("serving")


class Watcher:
    """One registered model that is followed."""

    def __init__(self, registered: Registered, models: Models, metrics: Metrics, threads: int, seconds: float) -> None:
        self.registered, self.models, self.metrics = registered, models, metrics
        self.threads, self.seconds = threads, seconds
        self.problem = ""  # why the registry's version isn't served, in words
        self._refused = ""  # a version that could not be loaded, which is not tried again until another one comes

    @property
    def current(self) -> Loaded:
        """What answers."""
        return next(one for one in self.models.all() if one.version.name == self.registered.name)

    async def follow(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(self.seconds)
            await self.look()

    async def look(self) -> None:
        """Look once; what can't be loaded leaves the old version answering, and is told of."""
        try:
            await self._look()
        except AWAY as error:
            self._tell(redact(" ".join(str(error).split())))
        except Exception as error:  # noqa: BLE001 - whatever a registry does, the service goes on
            self._tell(redact(f"{type(error).__name__}: {' '.join(str(error).split())}"))

    async def _look(self) -> None:
        version = await asyncio.to_thread(self.registered.ask)
        before = self.current
        same = version.version == before.version.version and version.decoding == before.version.decoding
        if same:
            self._refused = ""  # another one came, so that one is tried again when it comes back
            self._well()
            return
        if version.version == self._refused:
            return
        self._refused = version.version
        loaded = await asyncio.to_thread(Loaded, version, self.threads)
        self.models.put(loaded)
        self.metrics.serves(loaded, before)
        await asyncio.to_thread(self.registered.keep, version)
        self._refused = ""
        self._well()
        log.info("swap", extra={"facts": {"model": loaded.version.name, "version": loaded.version.version}})

    def _well(self) -> None:
        self.problem = ""
        self.metrics.failing.labels(self.registered.name).set(0)

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("swap failed", extra={"facts": {"model": self.registered.name, "reason": problem}})
        self.problem = problem
        self.metrics.failures.labels(self.registered.name).inc()
        self.metrics.failing.labels(self.registered.name).set(1)
