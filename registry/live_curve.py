"""Start the process that shows a learning curve while it grows, and hand it the points.

:mod:`registry.live` is that process, the only one of the two that imports MLflow: a training depends on no version
of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict

from seq2seq.core.command_line import is_first_process
from seq2seq.training.learning_curve import Point

SECONDS_TO_END = 30  # for its last point


@contextmanager
def live_curve(name: str, digest: str) -> Iterator[Callable[[Point], None]]:
    """Yield what shows a point of the learning curve on the MLflow server, where MLFLOW_TRACKING_URI names one."""
    if not (os.environ.get("MLFLOW_TRACKING_URI") and is_first_process()):
        yield lambda _: None
        return
    # not as the stage, whose lock this process holds
    environment = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    command = [sys.executable, "-m", "registry.live", name, digest]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment) as live:
        assert live.stdin is not None

        def tell(point: Point) -> None:
            with suppress(BrokenPipeError):  # it has said why it ended
                print(json.dumps(asdict(point)), file=live.stdin, flush=True)

        try:
            yield tell
        finally:
            with suppress(BrokenPipeError, subprocess.TimeoutExpired):
                live.communicate(timeout=SECONDS_TO_END)
            live.kill()
