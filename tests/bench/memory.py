"""The resident memory of an evd that drains a backlog."""
import load
import process
from figures import Figure


def run(server, quick):
    events, rounds = (100_000, 1) if quick else (1_000_000, 3)
    config = load.no_op_config(server, "memory")
    peaks, ends = [], []
    for _ in range(rounds):
        load.fill(server, events)
        with server.running("memory", config) as daemon:
            server.wait_until_drained()
            peaks.append(process.memory_mib(daemon.pid, "VmHWM"))
            ends.append(process.memory_mib(daemon.pid, "VmRSS"))
    yield Figure(f"memory, peak while draining {events:,}", peaks, unit="MiB")
    yield Figure("memory, afterwards", ends, unit="MiB")
