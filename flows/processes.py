"""Child processes whose output is followed line by line, and that end when the flow ends."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from seq2seq.core.redaction import redact

SECONDS_TO_END = 10.0


class Children:
    """The processes that one run of the flow started; leaving the ``with`` block ends those still at work.

    Each is the leader of a process group, so that a stage's own children end with it.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.stopping = threading.Event()
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def run(self, command: Sequence[str], follow: Callable[[str], None], **variables: str) -> int:
        """Run a command in the folder, give each line of its output to ``follow``, return its exit status.

        No line has passwords: who follows may pass it on.

        ``variables`` are added to its environment.
        """
        with self._start(command, variables) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    if text := line.rstrip():
                        follow(redact(text))
                return process.wait()
            finally:
                with self._lock:
                    self._running.discard(process)

    def _start(self, command: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[str]:
        with self._lock:  # so that stop() misses no process
            if self.stopping.is_set():
                raise InterruptedError("the flow is stopping")
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def stop(self) -> None:
        """End all processes that still run, and start no other."""
        self.stopping.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            _signal_group(process, signal.SIGTERM)
        for process in running:
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended by itself just now
        os.killpg(process.pid, number)
