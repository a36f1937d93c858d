"""Draining a backlog through a worker: one process of the example in Python, beside the same lines through a pipe."""
import pathlib
import subprocess
import time

import load
from figures import Figure

EXAMPLE = pathlib.Path(__file__).parents[2] / "docs/examples/worker/score.py"


def through_a_pipe(events):
    """What the program does by itself: the same events from a file, its answers to nowhere."""
    line = ('{"id": 1, "event_name": "benched", "created_at": "2026-01-01T01:11:11.000000Z", "args": ["user 1", 1], '
            '"key": null, "headers": {}, "handler": "score", "attempt": 1, "idempotency_key": "evd:1:score"}\n')
    began = time.monotonic()
    subprocess.run(["python3", EXAMPLE], input=line * events, text=True, stdout=subprocess.DEVNULL, check=True)
    return events / (time.monotonic() - began)


def run(server, quick):
    events, rounds = (100_000, 1) if quick else (300_000, 3)
    config = server.write_config("worker", "", load.route("benched", ["score"]) + load.route("probed", ["score"])
                                 + f'[handlers.score]\nworker = ["/usr/bin/env", "python3", "{EXAMPLE}"]\nconcurrency = 1000\n')
    server.apply(config)
    rates, alone = load.in_turn(server, "worker", config, events, rounds, lambda: through_a_pipe(events))
    yield Figure("worker, one process of the Python example", rates, "its lines through a pipe", alone, unit="pairs/s")
