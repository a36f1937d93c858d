"""What an evd costs that has nothing to do."""
import time

import load
import process
from figures import Figure


def transactions(server):
    """Of the scenario's database, seen from another one, so that looking adds none."""
    name = server.url.partition("?")[0].rpartition("/")[2]
    return int(server.sql(f"select xact_commit + xact_rollback from pg_stat_database where datname = '{name}';", server.home))


def run(server, quick):
    seconds = 10 if quick else 30
    config = load.no_op_config(server, "idle")
    with server.running("idle", config) as daemon:
        time.sleep(12)  # it has raised the flag and gone to sleep; sessions report their counts every 10 s
        began, cpu, count = time.monotonic(), process.cpu_seconds(daemon.pid), transactions(server)
        time.sleep(seconds)
        passed = time.monotonic() - began
        yield Figure("idle, CPU of evd", [100 * (process.cpu_seconds(daemon.pid) - cpu) / passed], unit="%")
        yield Figure("idle, statements", [(transactions(server) - count) / passed], unit="/s")
