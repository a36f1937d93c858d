"""A backlog drained through two sql handlers that insert one row each, called for each event or given a batch at once,
beside the same rows written and read by hand, as insert … select in batches."""
import load
from figures import Figure

CONFIG = """
[events.bench_sql]
handlers = ["first", "second"]
[handlers.first]
sql = "{first}"
batch = {batch}
[handlers.second]
sql = "{second}"
batch = {batch}
"""

FORMS = {"a function for each event": ("select bench.first($1)", "select bench.second($1)"),
         "a statement for each batch":
         ("insert into bench.done_first select (e->>'id')::bigint, e->'args'->>0 from unnest($1::jsonb[]) e",
          "insert into bench.done_second select (e->>'id')::bigint, (e->'args'->>1)::bigint "
          "from unnest($1::jsonb[]) e")}

PREPARE = """
create schema if not exists bench;
drop table if exists bench.source, bench.done_first, bench.done_second;
create table bench.source (id bigserial primary key, args jsonb not null);
create table bench.done_first (event_id bigint primary key, who text);
create table bench.done_second (event_id bigint primary key, amount bigint);
create or replace function bench.first(e jsonb) returns void language sql as
  $$ insert into bench.done_first values ((e->>'id')::bigint, e->'args'->>0) $$;
create or replace function bench.second(e jsonb) returns void language sql as
  $$ insert into bench.done_second values ((e->>'id')::bigint, (e->'args'->>1)::bigint) $$;
"""

FILL_BY_HAND = """
insert into bench.source (args) select jsonb_build_array('user ' || g, g) from generate_series(1, {events}) g;
analyze bench.source;
"""

# Each batch and handler a transaction, as evd does it.
BY_HAND = """do $$ begin for b in 0..{batches} loop
  insert into bench.done_first select id, args->>0 from bench.source
    where id > b::bigint * {batch} and id <= (b::bigint + 1) * {batch};
  commit;
  insert into bench.done_second select id, (args->>1)::bigint from bench.source
    where id > b::bigint * {batch} and id <= (b::bigint + 1) * {batch};
  commit; end loop; end $$;"""

EMIT = """do $$ begin for i in 1..{batches} loop
  perform evd.emit_many((select jsonb_agg(jsonb_build_object('event_name', 'bench_sql', 'args',
                                                             jsonb_build_array('user ' || g, g)))
                         from generate_series(1, 1000) g));
  commit; end loop; end $$;"""


def drain(server, config, events):
    server.sql(PREPARE)
    server.sql(EMIT.format(batches=events // 1000))
    rate = load.drain(server, "drain", config, events)
    for table in ("done_first", "done_second"):
        count = int(server.value(f"select count(*) from bench.{table}"))
        if count != events:
            raise RuntimeError(f"bench.{table} has {count} rows instead of {events}")
    return rate


def by_hand(server, batch, events):
    server.sql(PREPARE)
    server.sql(FILL_BY_HAND.format(events=events))
    return events / server.timed(BY_HAND.format(batches=events // batch - 1, batch=batch))


def run(server, quick):
    events, rounds = (20_000, 1) if quick else (200_000, 3)
    for batch in (50, 1000):
        hand_rates, rates = [], {form: [] for form in FORMS}
        for _ in range(rounds):
            hand_rates.append(by_hand(server, batch, events))
            for form, (first, second) in FORMS.items():
                config = server.write_config("drain", "", CONFIG.format(batch=batch, first=first, second=second))
                server.apply(config)
                rates[form].append(drain(server, config, events))
        for form in FORMS:
            yield Figure(f"drain, two sql handlers, {form}, batches of {batch:,}", rates[form], "by hand", hand_rates)
