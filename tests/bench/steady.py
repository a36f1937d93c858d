"""An emitter in batches of 1,000 that pauses while the backlog is over 100,000, and an evd that drains."""
import load
from figures import Figure

BACKLOG = 100_000


def rate(server, name, config, seconds):
    """Events a second until all that was emitted is done."""
    before = server.newest_window()
    with server.running(name, config):
        emitted = server.client("emit", "--seconds", seconds, "--max-backlog", BACKLOG)
        return load.drained_rate(server, before, emitted["events"])


def run(server, quick):
    seconds, rounds = (6, 1) if quick else (60, 3)
    config = load.no_op_config(server, "steady")
    yield Figure(f"steady, {seconds} s", [rate(server, "steady", config, seconds) for _ in range(rounds)])
