"""What the scenarios have in common: events and handlers that do nothing, backlogs, and draining them."""
PREPARE = """
create schema if not exists bench;
create or replace function bench.nothing(jsonb) returns void language sql as '';
"""
# Where the build leaves the plugin that does nothing; until there is one, an sql handler stands in.
PLUGIN = "lib/evd_bench_noop.so"


def plugin(server):
    path = server.binaries.parent / PLUGIN
    return path if path.exists() else None


def kind(server):
    return "plugin" if plugin(server) else "sql (select bench.nothing($1))"


def no_op(server, handler):
    """The configuration of a handler that does nothing, by the fastest kind there is."""
    if plugin(server):
        return f'[handlers.{handler}]\nplugin = "{plugin(server)}"\n'
    return f'[handlers.{handler}]\nsql = "select bench.nothing($1)"\nbatch = 1000\n'


def route(event, handlers):
    names = ", ".join(f'"{handler}"' for handler in handlers)
    return f"[events.{event}]\nhandlers = [{names}]\n"


def no_op_config(server, name, handlers=2, daemon_keys=""):
    """Applies and returns a configuration of events that some handlers do nothing for."""
    names = [f"nothing{n}" for n in range(1, handlers + 1)]
    server.sql(PREPARE)
    config = server.write_config(name, daemon_keys, route("benched", names) + route("probed", names)
                                 + "".join(no_op(server, handler) for handler in names))
    server.apply(config)
    return config


def fill(server, events):
    """A backlog, with the statistics that autovacuum would have gathered; returns its rate of writing."""
    written = server.client("emit", "--events", events)
    server.sql("vacuum analyze evd.event;")
    return written["events"] / written["seconds"]


def drain(server, name, config, events):
    """Drains what is there; events a second from the first window on, so that a start does not count."""
    before = server.newest_window()
    with server.running(name, config):
        return drained_rate(server, before, events)


def in_turn(server, name, config, events, rounds, by_hand):
    """Rates of drains, and of the same by hand, round by round."""
    rates, hand_rates = [], []
    for _ in range(rounds):
        fill(server, events)
        rates.append(drain(server, name, config, events))
        hand_rates.append(by_hand())
    return rates, hand_rates


def drained_rate(server, before, events):
    end = server.wait_until_drained()
    first, taken = server.value("select extract(epoch from min(opened_at)), sum(events) from evd.event_window "
                                f"where id > {before}").split("|")
    if int(taken) != events:
        raise RuntimeError(f"{taken} events were taken instead of {events}")
    return events / (end - float(first))
