"""Draining a backlog by requests to a web service on this machine, 200 in flight."""
import contextlib
import subprocess

import load
from figures import Figure


@contextlib.contextmanager
def service(server):
    process = subprocess.Popen([server.binaries / "evd_bench_client", "--database", "-", "serve-http"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    finally:
        process.stdin.close()
        process.wait()


def run(server, quick):
    events, rounds = (20_000, 1) if quick else (100_000, 3)
    rates = []
    with service(server) as url:
        config = server.write_config("http", "", load.route("benched", ["crm"]) + load.route("probed", ["crm"])
                                     + f'[handlers.crm]\nhttp = {{ url = "{url}", secret = "secret" }}\nconcurrency = 200\n')
        server.apply(config)
        for _ in range(rounds):
            load.fill(server, events)
            rates.append(load.drain(server, "http", config, events))
    yield Figure("http, 200 in flight", rates, unit="deliveries/s")
