"""A backlog drained with two handlers that do nothing, beside a client that only reads the same rows."""
import load
from figures import Figure


def run(server, quick):
    events, rounds = (100_000, 1) if quick else (1_000_000, 3)
    config = load.no_op_config(server, "drain")
    rates, read_rates = [], []
    for _ in range(rounds):
        load.fill(server, events)
        before = server.newest_window()
        rates.append(load.drain(server, "drain", config, events))
        read = server.client("read-windows", "--after", before)
        if read["events"] != events:
            raise RuntimeError(f"{read['events']} events were read instead of {events}")
        read_rates.append(events / read["seconds"])
    yield Figure("drain, two handlers that do nothing", rates, "only reading the same windows", read_rates)
