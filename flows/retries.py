"""When a task of a flow is tried again: where that can help, and nowhere else."""

from typing import Any

from prefect import State
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff

from seq2seq.core.errors import TransientError

RETRIES = 3
BACKOFF = 5  # seconds before the first retry; each later one waits twice as long


def _may_succeed_later(_task: Any, task_run: Any, state: State[Any]) -> bool:
    # Prefect is told of one retry more than there are: when it has none left, it logs a traceback
    fault = state.result(raise_on_failure=False)
    return isinstance(fault, TransientError) and int(task_run.run_count) <= RETRIES


RETRYING: dict[str, Any] = {  # options of a task
    "cache_policy": NO_CACHE,
    "retries": RETRIES + 1,
    "retry_delay_seconds": exponential_backoff(BACKOFF),
    "retry_condition_fn": _may_succeed_later,
}
