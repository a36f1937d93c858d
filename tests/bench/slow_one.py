"""A handler that manages 50 a second beside a fast one, under 2,000 events/s: the fast one's latency."""
import load
import probe
from figures import Figure

PREPARE = """
create or replace function bench.slow(jsonb) returns void language sql volatile as 'select pg_sleep(0.02)';
"""
SLOW = '[handlers.slow]\nsql = "select bench.slow($1)"\nbatch = 1\nconcurrency = 1\n'
RATE, BATCH = 2000, 20


def p99(server, name, beside, extra, seconds):
    with server.database(name.replace("-", "_")):
        probes = probe.Probe(server)
        server.sql(load.PREPARE + PREPARE)
        config = probe.probed_config(server, probes, name, beside, extra)
        with server.running(name, config, probes.environment):
            probes.emit("--rate", RATE, "--batch", BATCH, "--seconds", seconds)
            return probes.percentiles()[1]


def run(server, quick):
    seconds, rounds = (6, 1) if quick else (30, 3)
    beside, alone = [], []
    for _ in range(rounds):
        alone.append(p99(server, "fast-alone", [], "", seconds))
        beside.append(p99(server, "fast-beside", ["slow"], SLOW, seconds))
    yield Figure("slow-one, p99 of the fast handler", beside, "without the slow one", alone, unit="ms")
