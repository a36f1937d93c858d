-- Where an event is: {"place": "not taken"}; "window" with the open window and its node; "parts" with the handlers that
-- are put off; "deliveries" when only rows of their own are left; else "finished". Reads event_window, window_part,
-- delivery, node.
create or replace function evd.show_place(p_event evd.event) returns jsonb
language plpgsql stable
as $$
declare
  v_pairs  record;
  v_place  jsonb;
begin
  select bool_and(p.is_taken) as is_taken, bool_or(p.is_open) as is_open,
         jsonb_agg(p.handler order by p.ordinal) filter (where p.state = 'deferred') as deferred,
         jsonb_agg(p.handler order by p.ordinal) filter (where p.state in ('waiting', 'running', 'escalated')) as rows
    into v_pairs from evd.event_pairs(p_event) p;
  if not v_pairs.is_taken then
    return '{"place": "not taken"}';
  elsif v_pairs.is_open then
    select jsonb_build_object('place', 'window', 'window', w.id, 'node', n.name, 'node_id', w.node_id,
                              'since', evd.iso_time(w.opened_at)) into v_place
      from evd.event_window w left join evd.node n on n.id = w.node_id
      where w.id >= (select l.low_id from evd.event_window l order by l.id desc limit 1) and w.closed_at is null
        and evd.in_window(p_event.xid, p_event.id, w);
    return v_place;
  elsif v_pairs.deferred is not null then
    return jsonb_build_object('place', 'parts', 'handlers', v_pairs.deferred);
  elsif v_pairs.rows is not null then
    return jsonb_build_object('place', 'deliveries', 'handlers', v_pairs.rows);
  end if;
  return '{"place": "finished"}';
end
$$;
