-- Makes a pair that nobody is running wait for its turn, with fresh attempts. The caller holds its row, if it has one.
-- Reads route, handler; writes delivery.
create or replace function evd.start_over(p_event evd.event, p_handler text, p_new_round boolean) returns void
language sql
as $$
  -- Run 1 is past: a pair without a row was done as run 1, and a late report of that must not meet this one. And what
  -- a person touched keeps its row when it is done, which only happens from run 2 on.
  insert into evd.delivery as d (event_id, handler, event_xid, event_created_at, route_id, state, run, max_attempts,
                                 deadline_at, round)
  select p_event.id, p_handler, p_event.xid, p_event.created_at, p_event.route_id, 'waiting', 1,
         coalesce(h.max_attempts, 10), greatest(p_event.created_at, p_event.due_at) + r.deadline,
         p_new_round::integer
  from evd.route r left join evd.handler h on h.name = p_handler
  where r.id = p_event.route_id
  on conflict (event_id, handler) do update
    set state = 'waiting', run = greatest(d.run, 1), attempts = 0, handed_back = 0, next_at = clock_timestamp(),
        stalled_at = null, ended_at = null, max_attempts = excluded.max_attempts, round = d.round + p_new_round::integer
    where d.state <> 'running'
$$;
