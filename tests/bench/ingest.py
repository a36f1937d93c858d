"""Events over HTTP, one a request, each acknowledged after its commit, from 64 connections; beside 64 database
sessions that each emit one and commit. The daemon runs in both cases, and takes what is emitted."""
from figures import Figure
from write import EMIT, EVENTS, pgbench

CONNECTIONS = 64


def run(server, quick):
    seconds, rounds = (3, 1) if quick else (10, 3)
    config = server.write_config("ingest", "", EVENTS)
    server.apply(config)
    over_http, by_sql = [], []
    with server.running("ingest", config):
        for _ in range(rounds):
            by_sql.append(pgbench(server, EMIT, "prepared", CONNECTIONS, ["-T", str(seconds)], name="benched",
                                  args='["user A", 5000]'))
            done = server.client("emit-http", "--socket", server.directory / "ingest" / "evd.sock",
                                 "--connections", CONNECTIONS, "--seconds", seconds)
            over_http.append(done["events"] / done["seconds"])
    yield Figure(f"HTTP, {CONNECTIONS} connections", over_http, "as many sessions, an emit and a commit each", by_sql)
