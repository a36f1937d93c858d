"""What operators ask, and a recovery pass, beside a long history: with few events done, and with a thousand times as
many. Timed as a person waits for it: a program's start and its connection count."""
import json
import subprocess
import time

import load
from figures import Figure

DAYS = 10
PAIRS = 1000  # overdue, for each pass

# The first window's clock is set back, so that events written for past days lie behind it as they would.
BEGIN = """set role evd_owner;
update evd.event_window set at = at - interval '{days} days', floor = floor - interval '{days} days',
                            opened_at = opened_at - interval '{days} days' where id = 0;
update evd.meta set created_at = created_at - interval '{days} days';
select format('create table evd.%I partition of evd.event for values from (%L) to (%L)',
              'event_' || to_char(d, 'YYYYMMDD'), d::timestamptz, (d + 1)::timestamptz)
from (select current_date - g as d from generate_series(1, {days}) g) x \\gexec
"""

WRITE = """set timezone = 'UTC'; set synchronous_commit = off;
do $$ begin for d in 1..{days} loop for b in 0..{batches} - 1 loop
  insert into evd.event (route_id, created_at, args)
  select r.id, (current_date - {days} - 1 + d)::timestamptz + (b * {batch} + g) * interval '86000 seconds' / ({batches} * {batch}),
         jsonb_build_array('user ' || g, g)
  from evd.route r cross join generate_series(1, {batch}) g where r.event_name = 'benched' and r.is_current;
  commit; end loop; end loop; end $$;"""

# Takes all there is; of an event in every `failing`, a pair is not done (state).
TAKE = """do $$ declare w record; n bigint; ids bigint[]; begin
  n := evd.register_node('bench', 'evd', '0', '{{}}');
  commit;
  loop
    select * into w from evd.claim(n, 1, 1000);
    exit when w.id is null;
    commit;
    ids := array(select e.id from evd.window_events(w.id) e cross join generate_series(1, {pairs}) where {which} order by 1);
    perform evd.close_window(w.id, n, 1, '{{}}', '{{}}', '{{}}', ids,
      array(select 'nothing' || 1 + (g - 1) % {pairs} from generate_series(1, cardinality(ids)) g),
      array_fill('{state}'::text, array[cardinality(ids)]), array_fill('boom'::text, array[cardinality(ids)]),
      array_fill(null::float8, array[cardinality(ids)]), false);
    commit;
  end loop;
  perform evd.leave_node(n);
end $$;"""

# One in a thousand failed once, was done at the second attempt, and is kept.
KEPT = """
insert into evd.delivery (event_id, handler, event_xid, event_created_at, route_id, state, run, attempts, max_attempts,
                          deadline_at, last_error)
select e.id, 'nothing1', e.xid, e.created_at, e.route_id, 'done', 2, 2, 10, e.created_at, 'boom'
from evd.event e where e.id % 1000 = 7;
insert into evd.attempt (event_id, handler, run, error) select event_id, handler, 1, 'boom' from evd.delivery;
"""

EMIT = """select count(evd.emit_many(e)) from (
  select jsonb_agg(jsonb_build_object('event_name', '{event}')) as e from generate_series(1, {events})) x;"""

SETTLE = """
select count(brin_summarize_new_values(i.indexrelid)) from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_am a on a.oid = c.relam
where a.amname = 'brin' and c.relkind = 'i' and i.indrelid in (select relid from pg_partition_tree('evd.event'));
vacuum analyze;
"""


def late(event, deadline):
    return load.route(event, ["nothing1", "nothing2"]) + f'deadline = "{deadline}"\n'


def fill(server, events):
    """A history with its exceptions: pairs that failed once, 100 escalated events, 100 late ones."""
    name = f"history-{events}"
    config = server.write_config(name, "", load.route("benched", ["nothing1", "nothing2"]) + late("late", "1s")
                                 + load.no_op(server, "nothing1") + load.no_op(server, "nothing2"))
    server.sql(load.PREPARE)
    server.apply(config)
    server.sql(BEGIN.format(days=DAYS))
    batch = min(10_000, events // DAYS)
    began = time.monotonic()
    server.sql(WRITE.format(days=DAYS, batch=batch, batches=events // DAYS // batch))
    server.sql(TAKE.format(pairs=1, which="false", state="queued"))
    took = time.monotonic() - began
    server.sql(KEPT)
    server.sql(EMIT.format(event="benched", events=100) + TAKE.format(pairs=1, which="true", state="failed"))
    server.sql(EMIT.format(event="late", events=100) + TAKE.format(pairs=1, which="true", state="queued"))
    server.sql("update evd.delivery set next_at = now() + interval '1 day' where state = 'waiting';")
    server.sql(SETTLE)
    return config, events / took


def milliseconds(server, program, *arguments):
    began = time.monotonic()
    done = subprocess.run([server.binaries / program, "--database", server.url, *arguments], capture_output=True,
                          text=True)
    passed = (time.monotonic() - began) * 1000
    if done.returncode != 0:
        raise RuntimeError(f"{program} {' '.join(map(str, arguments))}: {done.stderr}{done.stdout}")
    return passed, done.stdout


def questions(server):
    """What an operator asks: name -> arguments of evctl."""
    some = server.value("select id from evd.event where id % 1000 = 500 order by id limit 1 offset 5")
    return {"evctl audit": ["audit"], "evctl status": ["status"], "evctl show": ["show", some], "evctl list": ["list"],
            "evctl list --status timeout": ["list", "--status", "timeout"],
            "evctl list --status escalated": ["list", "--status", "escalated"]}


def recovered(server, config):
    """One pass of evrecover over PAIRS overdue pairs, in milliseconds."""
    server.sql(EMIT.format(event="late", events=PAIRS // 2) + TAKE.format(pairs=2, which="true", state="queued"))
    server.sql("vacuum analyze evd.delivery;")
    time.sleep(1.1)  # their deadline
    passed, report = milliseconds(server, "evrecover", "--config", config, "--json")
    if json.loads(report)["succeeded"] != PAIRS:
        raise RuntimeError(f"evrecover: {report}")
    return passed


def measured(server, config):
    """Everything once: name -> milliseconds."""
    times = {name: milliseconds(server, "evctl", *question)[0] for name, question in questions(server).items()}
    return {**times, f"evrecover, {PAIRS:,} overdue pairs": recovered(server, config)}


def run(server, quick):
    few, many, rounds = (10_000, 1_000_000, 5) if quick else (10_000, 10_000_000, 7)
    with server.database(f"history_{few}"):
        few_url, (few_config, _) = server.url, fill(server, few)
        with server.database(f"history_{many}"):
            many_url, (many_config, rate) = server.url, fill(server, many)
            beside_few, beside_many = [], []
            for _ in range(rounds + 1):  # in turn, since machines get faster and slower; the first warms up
                server.url = few_url
                beside_few.append(measured(server, few_config))
                server.url = many_url
                beside_many.append(measured(server, many_config))
    yield Figure(f"history, written and taken for the test, {many:,} events", [rate])
    for name in beside_many[0]:
        yield Figure(f"history, {name}, at {many:,} events done", [times[name] for times in beside_many[1:]],
                     f"at {few:,}", [times[name] for times in beside_few[1:]], unit="ms")
