"""Draining a backlog by starting a program for each event, beside starting it and waiting for it alone."""
import load
from figures import Figure

PROGRAM = "/bin/true"
AT_ONCE = 4


def by_hand(server, events):
    spawned = server.client("spawn", "--program", PROGRAM, "--count", events, "--at-once", AT_ONCE)
    return spawned["events"] / spawned["seconds"]


def run(server, quick):
    events, rounds = (3_000, 1) if quick else (20_000, 3)
    config = server.write_config("exec", "", load.route("benched", ["true"]) + load.route("probed", ["true"])
                                 + f'[handlers.true]\nexec = ["{PROGRAM}"]\nconcurrency = {AT_ONCE}\n')
    server.apply(config)
    rates, alone = load.in_turn(server, "exec", config, events, rounds, lambda: by_hand(server, events))
    yield Figure("exec, 4 at once", rates, "posix_spawn and wait", alone, unit="programs/s")
