-- The next p_limit events of a window that a handler is expected for and that were due when it opened, as it gets them,
-- in log order. Reads event_window, event, route.
create or replace function evd.batch_events(p_window bigint, p_after_xid xid8, p_after_id bigint, p_limit integer,
                                            p_handler text, p_opened_at timestamptz, p_instance text)
returns jsonb[]
language plpgsql stable
as $$
begin
  return array(
    select to_jsonb(d)
    from evd.window_events(p_window, p_after_xid, p_after_id, p_limit) e
    join evd.route r on r.id = e.route_id
    cross join lateral evd.event_document(e, r.event_name, p_instance, p_handler, 1, 0) d
    where p_handler = any (r.expected) and (e.due_at is null or e.due_at <= p_opened_at)
    order by e.xid, e.id);
end
$$;
