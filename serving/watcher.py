"""Follows an alias of the registry: loads what it stands for beside what answers, and lets it take over."""

import asyncio
import logging

from seq2seq.core.errors import UserError
from seq2seq.core.redaction import redact
from serving.aside import run_aside
from serving.metrics import Metrics
from serving.models import Loaded, Models, Version
from serving.registered import AWAY, Registered, in_one_line

log = logging.getLogger("serving")


class Watcher:
    """One registered model that is followed."""

    def __init__(
        self, registered: Registered, first: Loaded, models: Models, metrics: Metrics, threads: int, seconds: float
    ) -> None:
        """Take the model, and what answers at first."""
        self.registered, self.models, self.metrics = registered, models, metrics
        self.threads, self.seconds = threads, seconds
        self.problem = registered.problem  # why the registry's version isn't served, in words
        self._pair = first.pair
        self._refused = ""  # a version that could not be loaded, which is not tried again until another one comes
        metrics.failing.labels(registered.name).set(bool(self.problem))

    @property
    def current(self) -> Loaded:
        """What answers."""
        return self.models.of(self._pair)

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
            self._tell(in_one_line(error))
        except Exception as error:  # noqa: BLE001 - whatever a registry does, the service goes on
            self._tell(redact(f"{type(error).__name__}: {in_one_line(error)}"))

    async def _look(self) -> None:
        version = await run_aside(self.registered.ask)
        before = self.current.version
        if (version.version, version.decoding) != (before.version, before.decoding):
            if version.version == self._refused:
                return
            await self._swap(version)
        self._refused = ""  # another one came, so that one is tried again when it comes back
        if self.registered.kept != self.current.version.facts:  # tried again until it is done: the disk may be full
            await run_aside(self.registered.keep, self.current.version)
        self._well()

    async def _swap(self, version: Version) -> None:
        before = self.current
        try:
            loaded = await run_aside(self.registered.load, version, self.threads)
            if loaded.pair != self._pair:
                raise UserError(
                    f"{loaded.name} translates from {' to '.join(loaded.pair)}, and {before.name}, which answers, from "
                    f"{' to '.join(self._pair)}; register it under a name of its own"
                )
        except UserError:
            self._refused = version.version
            raise
        self.models.swap(loaded)
        self.metrics.serves(loaded, before)
        log.info("swap", extra={"facts": {"model": loaded.version.name, "version": loaded.version.version}})

    def _well(self) -> None:
        self.problem = ""
        self.current.unconfirmed = False
        self.metrics.failing.labels(self.registered.name).set(0)

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("swap failed", extra={"facts": {"model": self.registered.name, "reason": problem}})
        self.problem = problem
        self.metrics.failures.labels(self.registered.name).inc()
        self.metrics.failing.labels(self.registered.name).set(1)
