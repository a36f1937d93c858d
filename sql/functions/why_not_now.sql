-- Why a person may not touch a pair now: somebody may be running it, or will before long. Null: nothing speaks against
-- it. Reads delivery, node.
create or replace function evd.why_not_now(p_event evd.event, p_handler text, p_state text, p_is_taken boolean)
returns text
language sql stable
as $$
  select case
    when p_state = 'new' and not p_is_taken then 'still running: not taken yet'
    when p_state = 'new' then 'still running: in an open window'
    when p_state = 'deferred' then 'still running: put off with its window'
    when p_state = 'running' then (
      select format('still running: on %s since %s', coalesce(n.name, 'a node'), evd.iso_time(d.started_at))
      from evd.delivery d left join evd.node n on n.id = d.node_id
      where d.event_id = p_event.id and d.handler = p_handler)
    when p_state = 'waiting' and p_event.due_at > clock_timestamp() and exists (
      select from evd.delivery d where d.event_id = p_event.id and d.handler = p_handler and d.run = 0)
      then 'not due before ' || evd.iso_time(p_event.due_at)
    end
$$;
