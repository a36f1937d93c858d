-- Starts deliveries that are due: for each handler at most as many as it has free slots (parallel arrays), oldest
-- first. The attempt is counted here, before the handler runs, so that one that kills its process is counted too.
-- p_cron: the caller is a recovery pass of evrecover. It also runs what is retried by cron only, and leaves what a
-- living evd hosts p_precedence of time. p_since, as evd.poll gave it: nothing before is looked at (null: all is). Reads
-- handler, node, event, route; writes delivery.
create or replace function evd.take_deliveries(p_node bigint, p_handlers text[], p_slots integer[], p_cron boolean,
                                               p_precedence interval, p_since timestamptz[] default null)
returns table (handler text, run integer, attempts integer, max_attempts integer, suspect boolean, round integer,
               event evd.event)
language plpgsql
as $$
#variable_conflict use_column
begin
  perform set_config('synchronous_commit', 'off', true);
  perform evd.check_living(p_node);
  perform evd.sign_transaction(p_node);   -- a node that is stopped may not read the rows that this returns
  return query
    with due as materialized (
      select t.event_id, t.handler
      from unnest(p_handlers, p_slots, p_since) s (handler, slots, since)
      join evd.handler h on h.name = s.handler and evd.is_let_through(h, p_node)
      cross join lateral (
        select d.event_id, d.handler from evd.delivery d
        where d.state = 'waiting' and d.handler = s.handler and d.next_at >= coalesce(s.since, '-infinity')
          and d.next_at <= clock_timestamp() - case when p_cron and evd.is_hosted(s.handler) then p_precedence
                                                    else '0' end
          and (p_cron or h.retry = 'daemon' or d.attempts = 0)
        order by d.next_at limit greatest(s.slots, 0)
        for no key update skip locked) t),
    taken as (
      update evd.delivery d
        set state = 'running', node_id = p_node, run = d.run + 1, attempts = d.attempts + 1,
            started_at = clock_timestamp(), ended_at = null
        from due where d.event_id = due.event_id and d.handler = due.handler
        returning d.*)
    select t.handler, t.run, t.attempts, t.max_attempts, t.suspect, t.round, e
    from taken t
    join evd.event e on e.created_at = t.event_created_at and e.xid = t.event_xid and e.id = t.event_id;
end
$$;
