"""Other queues in PostgreSQL beside evd: writing and draining the same events, each by two handlers that do
nothing, on the same server, each with a new database in each round. graphile-worker and pg-boss give a job to one
handler, so an event is two jobs there; PgQ gives every event to each of its two consumers."""
import contextlib
import json
import pathlib
import subprocess

import load
from figures import Figure

HERE = pathlib.Path(__file__).parent
NODE_PROGRAMS = HERE / "peers"
NODE = NODE_PROGRAMS / "node_modules" / ".bin" / "node"
INSTALL = HERE.parents[1] / "packaging" / "install-dependencies"
HANDLERS = 2
INSTANCES = 2  # of graphile-worker: on two processors more of them gained nothing

PGQ_QUEUE = """
create extension pgq;
select pgq.create_queue('benched'), pgq.register_consumer('benched', 'first'), pgq.register_consumer('benched', 'second');
select pgq.set_queue_config('benched', 'ticker_max_lag', '100 milliseconds');
"""
# A batch ends at a tick: the last events need one, too.
PGQ_LAST_TICK = "select pgq.force_tick('benched'); select pgq.ticker('benched');"


def install():
    """PgQ as a Debian package; the others, and the Node.js that they need, from npm, beside their programs."""
    subprocess.run([INSTALL, "bench"], check=True)
    package, installed = NODE_PROGRAMS / "package.json", NODE_PROGRAMS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < package.stat().st_mtime:
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
                       cwd=NODE_PROGRAMS, check=True, stdout=subprocess.DEVNULL)


def version(package):
    return json.loads((NODE_PROGRAMS / "package.json").read_text())["dependencies"][package]


def evd(server, events):
    config = load.no_op_config(server, "peers", HANDLERS, "batch_size = 3000")
    return load.fill(server, events), load.drain(server, "peers", config, events)


def start_node(server, program, *arguments):
    return subprocess.Popen([NODE, NODE_PROGRAMS / program, server.url, *map(str, arguments)],
                            stdout=subprocess.PIPE, text=True)


def job_queue(server, events, program, drain_arguments, instances, unfinished):
    """Rates of a queue of jobs; `unfinished` counts those that are left, which must be none."""
    written = server.finish(start_node(server, program, "fill", events))
    server.sql("vacuum analyze;")
    drainers = [start_node(server, program, "drain", *drain_arguments) for _ in range(instances)]
    drained = [done for done in map(server.finish, drainers) if done["jobs"] > 0]
    jobs, left = sum(done["jobs"] for done in drained), int(server.value(unfinished))
    if (jobs, left) != (HANDLERS * events, 0):
        raise RuntimeError(f"{program} ran {jobs} jobs instead of {HANDLERS * events}, and left {left}")
    seconds = (max(done["ended"] for done in drained) - min(done["began"] for done in drained)) / 1000
    return events / written["seconds"], events / seconds


def graphile_worker(server, events):
    return job_queue(server, events, "graphile_worker.mjs", [], INSTANCES,
                     "select count(*) from graphile_worker._private_jobs")


def pg_boss(server, events):
    return job_queue(server, events, "pg_boss.mjs", [events], 1,
                     "select count(*) from pgboss.job where state <> 'completed'")


@contextlib.contextmanager
def ticker(server):
    process = server.start_client("pgq-tick")
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def pgq(server, events):
    server.sql(PGQ_QUEUE)
    with ticker(server):
        written = server.client("pgq-write", "--events", events)
        server.sql("vacuum analyze;" + PGQ_LAST_TICK)
        consumers = [server.start_client("pgq-consume", "--consumer", name, "--events", events)
                     for name in ("first", "second")]
        consumed = [server.finish(consumer) for consumer in consumers]
    if any(done["events"] != events for done in consumed):
        raise RuntimeError(f"PgQ's consumers saw {consumed} instead of {events} events each")
    return events / written["seconds"], events / max(done["seconds"] for done in consumed)


def run(server, quick):
    events, jobs_of, rounds = (100_000, 20_000, 1) if quick else (1_000_000, 200_000, 3)
    measured = {"evd": (evd, events),
                f"graphile-worker {version('graphile-worker')}, two jobs": (graphile_worker, jobs_of),
                f"pg-boss {version('pg-boss')}, two jobs": (pg_boss, jobs_of),
                "PgQ, two consumers": (pgq, events)}
    rates = {name: [] for name in measured}
    for _ in range(rounds):
        for name, (measure, count) in measured.items():
            with server.database("bench_peer"):
                rates[name].append(measure(server, count))
    ours = rates.pop("evd")
    for name, theirs in rates.items():
        for place, what in enumerate(("write, batches of 1,000", "drain, two handlers that do nothing")):
            yield Figure(what, [rate[place] for rate in ours], name, [rate[place] for rate in theirs])
