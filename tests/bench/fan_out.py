"""The same backlog with 1, 3 and 10 handlers for each event."""
import load
from figures import Figure


def run(server, quick):
    events, rounds = (20_000, 1) if quick else (200_000, 3)
    alone = []
    for handlers in (1, 3, 10):
        config = load.no_op_config(server, "fan-out", handlers)
        rates = []
        for _ in range(rounds):
            load.fill(server, events)
            rates.append(load.drain(server, "fan-out", config, events))
        alone = alone or rates
        name = f"fan-out, handlers per event: {handlers}"
        yield Figure(name, rates, "one", alone)
        yield Figure(name, [handlers * rate for rate in rates], "one", alone, unit="pairs/s")
