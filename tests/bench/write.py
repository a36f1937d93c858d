"""Writing events, beside plain INSERTs of the same columns into a table with a primary key. pgbench is the client of
all of them: what is written is made beforehand, and sent each time, as parameters or in the statement's text."""
import json
import re
import subprocess

from figures import Figure

EVENTS = """
[events.benched]
handlers = []
"""

BARE_TABLE = """
create schema if not exists bench;
drop table if exists bench.plain;
create table bench.plain (id bigserial primary key, xid xid8 not null default pg_current_xact_id(),
                          route_id integer not null, created_at timestamptz not null default clock_timestamp(),
                          args jsonb not null default '[]', key text, due_at timestamptz, headers jsonb);
"""

BATCH = 1000
ARGS = [json.dumps([f"user {n}", n]) for n in range(1, BATCH + 1)]

EMIT_MANY = "select evd.emit_many(:events);"
EVENTS_OF_A_BATCH = "[" + ",".join(f'{{"event_name": "benched", "args": {args}}}' for args in ARGS) + "]"
INSERT_VALUES = ("insert into bench.plain (route_id, args) values "
                 + ", ".join(f"(1, '{args}')" for args in ARGS) + ";")
INSERT_UNNEST = "insert into bench.plain (route_id, args) select 1, a from unnest(:events::jsonb[]) a;"
ARRAY_OF_A_BATCH = "{" + ",".join('"' + args.replace('"', '\\"') + '"' for args in ARGS) + "}"

EMIT = "select evd.emit(:name, :args);"
INSERT = "insert into bench.plain (route_id, args) values (:route, :args);"


def pgbench(server, script, mode, clients, limit, **variables):
    """Transactions a second, each a run of the script."""
    path = server.directory / "script.sql"
    path.write_text(script + "\n")
    defined = [f"--define={name}={value}" for name, value in variables.items()]
    done = subprocess.run(["pgbench", "-n", "-M", mode, "-c", str(clients), "-j", "2", *limit, "-f", path, *defined,
                           server.url], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return float(re.search(r"^tps = ([\d.]+)", done.stdout, re.M).group(1))


def batches(server, quick):
    limit, rounds = (["-t", "30"], 1) if quick else (["-t", "300"], 5)
    emitted, by_values, by_unnest = [], [], []
    for _ in range(rounds):
        by_values.append(BATCH * pgbench(server, INSERT_VALUES, "extended", 1, limit))
        by_unnest.append(BATCH * pgbench(server, INSERT_UNNEST, "extended", 1, limit, events=ARRAY_OF_A_BATCH))
        emitted.append(BATCH * pgbench(server, EMIT_MANY, "extended", 1, limit, events=EVENTS_OF_A_BATCH))
    yield Figure("emit_many, batches of 1,000", emitted, "insert … values", by_values)
    yield Figure("emit_many, batches of 1,000", emitted, "insert … select from unnest(array)", by_unnest)


def singles(server, quick):
    limit, rounds = (["-T", "3"], 1) if quick else (["-T", "15"], 3)
    args = '["user A", 5000]'
    emitted, inserted = [], []
    for _ in range(rounds):
        inserted.append(pgbench(server, INSERT, "prepared", 16, limit, route=1, args=args))
        emitted.append(pgbench(server, EMIT, "prepared", 16, limit, name="benched", args=args))
    yield Figure("emit, 16 connections", emitted, "insert of a row", inserted)


def run(server, quick):
    server.apply(server.write_config("write", "", EVENTS))
    server.sql(BARE_TABLE)
    yield from batches(server, quick)
    yield from singles(server, quick)
