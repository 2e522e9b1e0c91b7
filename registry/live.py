"""Show the learning curve of a training on an MLflow server while it grows, for those who watch.

``python -m registry.live NAME DIGEST`` reads points as lines of JSON. The stage ``train`` starts it as a process of its
own, so that no server can hold up a training, and no edit here repeats one. The stage ``register`` makes the record of
a model from DVC's outputs; this only shows it earlier.
"""

import json
import sys
from typing import Any

from registry.store import Store, open_store
from seq2seq.core.command_line import run
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.params import PARAMS
from seq2seq.release.params import registered_name

TRAINING = "training_sha256"  # the tag by which a resumed training finds its run


def main() -> None:
    """Log each point to the run of the training as soon as it comes, or later if the server is away."""
    name, digest = sys.argv[1:]
    points = list[dict[str, Any]]()
    for line in sys.stdin:
        points.append(json.loads(line))
        try:
            with open_store() as store:
                run_id = _run_id(store, name, digest)
                while points:
                    _log(store, run_id, points[0])
                    del points[0]
        except (UserError, TransientError) as error:
            if len(points) == 1:  # told once
                print(f"notice: the learning curve is not shown now: {error}", file=sys.stderr, flush=True)


def _run_id(store: Store, name: str, digest: str) -> str:
    experiment = store.experiment(registered_name(PARAMS))
    if found := store.client.search_runs([experiment], f"tags.{TRAINING} = '{digest}'"):
        return str(found[0].info.run_id)
    made = store.client.create_run(experiment, run_name=name, tags={TRAINING: digest})
    store.client.set_terminated(made.info.run_id)  # a killed training would leave it open for ever
    return str(made.info.run_id)


def _log(store: Store, run_id: str, point: dict[str, Any]) -> None:
    from mlflow.entities import Metric
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    step = point["update"]
    values = {key: value for key, value in point.items() if key != "update" and value is not None}
    metrics = [Metric(key, value, now, step) for key, value in values.items()]
    store.client.log_batch(run_id, metrics=metrics)


if __name__ == "__main__":
    run(main)
