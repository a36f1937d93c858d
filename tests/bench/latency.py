"""Single emits at fixed rates: from the emitter's knowing of the commit to the call of the handler."""
import probe
from figures import Figure


def run(server, quick):
    seconds, rounds = (5, 1) if quick else (20, 3)
    probes = probe.Probe(server)
    config = probe.probed_config(server, probes, "latency")
    with server.running("latency", config, probes.environment):
        for rate in (10, 100, 1000):
            measured = []
            for _ in range(rounds):
                probes.clear()
                probes.emit("--rate", rate, "--batch", 1, "--seconds", seconds)
                measured.append(probes.percentiles())
            for name, values in zip(("p50", "p99"), zip(*measured)):
                yield Figure(f"latency at {rate:,} events/s, {name}", list(values), unit="ms")
