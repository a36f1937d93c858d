"""A quarter of the steady load, plain, then while others hold on to old snapshots, beside the plain run."""
import contextlib

import load
import probe
import steady
from figures import Figure

WRITER = "begin; select evd.emit('benched');"
# Without workers of their own, four are four processes, and the others get their turn on two processors.
READER = ("set max_parallel_workers_per_gather = 0; begin isolation level repeatable read; "
          "select count(*) from evd.event \\watch 0.1")
OTHERS = {"plain": [], "a writing transaction held open": [WRITER], "4 sessions counting": [READER] * 4}
BATCH = 1_000


def offer(server, probes, config, rate, seconds, others):
    """The share of the offered load that was done, and the 99th percentile of latency."""
    probes.clear()
    before = server.newest_window()
    with contextlib.ExitStack() as stack:
        for text in others:
            stack.enter_context(server.session(text))
        stack.enter_context(server.running("held", config, probes.environment))
        emitted = probes.emit("--rate", rate, "--batch", BATCH, "--seconds", seconds)
        done = load.drained_rate(server, before, emitted["events"])
        return done / rate, probes.percentiles()[1]


def emit_alone(server, rate, seconds, others):
    """The share of the load that the emitter gets written beside them while nobody handles anything."""
    with contextlib.ExitStack() as stack:
        for text in others:
            stack.enter_context(server.session(text))
        emitted = server.client("emit", "--rate", rate, "--batch", BATCH, "--seconds", seconds)
        return emitted["events"] / emitted["seconds"] / rate


def run(server, quick):
    seconds, steady_seconds = (6, 6) if quick else (120, 20)
    rate = steady.rate(server, "held", load.no_op_config(server, "held"), steady_seconds) / 4
    probes = probe.Probe(server)
    config = probe.probed_config(server, probes, "held", ["other"], load.no_op(server, "other"))
    results = {name: offer(server, probes, config, rate, seconds, others) for name, others in OTHERS.items()}
    alone = {name: emit_alone(server, rate, seconds, others) for name, others in OTHERS.items()}
    for name, (share, latency) in results.items():
        yield Figure(f"held, {name}: done of {rate:,.0f} events/s offered", [share], "written, without an evd",
                     [alone[name]], unit="of it")
        yield Figure(f"held, {name}: p99", [latency], "plain", [results["plain"][1]], unit="ms")
