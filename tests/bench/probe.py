"""How long after the commit of an event its handler was called: the emitter notes when it knew of the commit, the
handler when it was called, both by the clock of this one machine."""
import time

import load
from figures import percentile

PREPARE = """
create schema if not exists bench;
create unlogged table if not exists bench.called (event_id bigint, at timestamptz);
create or replace function bench.probe(e jsonb) returns void language sql volatile as
  $$ insert into bench.called values ((e->>'id')::bigint, clock_timestamp()) $$;
truncate bench.called;
"""
# Where the build leaves the plugin that appends a line "id microseconds" for each call to $EVD_BENCH_CALLS.
PLUGIN = "lib/evd_bench_probe.so"


class Probe:
    """The handler `probe`. Its calls are read once all of them were made."""

    def __init__(self, server):
        self.server = server
        self.commits = server.directory / "commits"
        self.calls = server.directory / "calls"
        plugin = server.binaries.parent / PLUGIN
        self.plugin = plugin if plugin.exists() else None
        self.environment = {"EVD_BENCH_CALLS": str(self.calls)}
        self.clear()

    def clear(self):
        self.server.sql(PREPARE)
        self.calls.write_text("")

    def config(self):
        if self.plugin:
            return f'[handlers.probe]\nplugin = "{self.plugin}"\n'
        return '[handlers.probe]\nsql = "select bench.probe($1)"\nbatch = 1000\n'

    def emit(self, *arguments):
        return self.server.client("emit", "--commits", self.commits, *arguments)

    def latencies(self):
        """Milliseconds of each probe."""
        committed = _pairs(self.commits.read_text())
        called = self._wait_for_calls(len(committed))
        return [(called[event] - at) / 1000 for event, at in committed.items()]

    def percentiles(self):
        latencies = self.latencies()
        return percentile(latencies, 50), percentile(latencies, 99)

    def _wait_for_calls(self, count):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            called = self._read_calls()
            if len(called) >= count:
                return called
            time.sleep(0.1)
        raise RuntimeError(f"{len(called)} of {count} probes were handled")

    def _read_calls(self):
        if self.plugin:
            return _pairs(self.calls.read_text())
        return _pairs(self.server.sql("select event_id || ' ' || (extract(epoch from at) * 1e6)::bigint "
                                      "from bench.called;"))


def probed_config(server, probe, name, beside=(), extra=""):
    """Events whose last of each batch a probe answers, and the others nobody; with handlers beside them."""
    server.sql(load.PREPARE)
    config = server.write_config(name, "", load.route("benched", ["nothing", *beside])
                                 + load.route("probed", ["probe", *beside])
                                 + load.no_op(server, "nothing") + probe.config() + extra)
    server.apply(config)
    return config


def _pairs(text):
    return {int(event): int(at) for event, at in (line.split() for line in text.splitlines())}
