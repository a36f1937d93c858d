"""Writing events in batches of 1,000, beside a plain multi-row INSERT of the same columns."""
from figures import Figure

EVENTS = """
[events.benched]
handlers = []
"""

BY_HAND = """
create schema if not exists bench;
drop table if exists bench.plain;
create table bench.plain (id bigserial primary key, route_id integer, created_at timestamptz default clock_timestamp(),
                          args jsonb, key text, due_at timestamptz, headers jsonb);
"""

# As a client sends it: one statement a batch with the events in it, each its own transaction.
INSERT = """do $$ begin for i in 1..{batches} loop
  insert into bench.plain (route_id, args) select 1, e from jsonb_array_elements({events}) e;
  commit; end loop; end $$;"""
EMIT = """do $$ begin for i in 1..{batches} loop
  perform evd.emit_many((select jsonb_agg(jsonb_build_object('event_name', 'benched', 'args', e))
                         from jsonb_array_elements({events}) e));
  commit; end loop; end $$;"""
PAYLOAD = """(select jsonb_agg(jsonb_build_array('user ' || g, g)) from generate_series(1, 1000) g)"""


def run(server, quick):
    batches, rounds = (20, 1) if quick else (200, 5)
    server.apply(server.write_config("write", "", EVENTS))
    server.sql(BY_HAND)
    emitted, inserted = [], []
    for _ in range(rounds):
        inserted.append(batches * 1000 / server.timed(INSERT.format(batches=batches, events=PAYLOAD)))
        emitted.append(batches * 1000 / server.timed(EMIT.format(batches=batches, events=PAYLOAD)))
    yield Figure("emit_many, batches of 1,000", emitted, "plain insert", inserted)
