-- Frees one row of evd.held_by_fenced, if the node still holds it and nobody has it locked. Pairs whose handler is not sql may
-- have run, so each counts one attempt; an sql handler's share goes on from where its batches came.
-- Writes event_window, window_part, delivery; appends to attempt, alert. Returns whether it did.
create or replace function evd.take_over_one(p_what text, p_id bigint, p_handler text, p_node bigint)
returns boolean
language plpgsql
as $$
declare
  v_delivery evd.delivery;
begin
  if p_what = 'window' then
    perform from evd.event_window w
      where w.id = p_id and w.node_id = p_node and w.closed_at is null
      for no key update skip locked;
    if found then
      perform evd.take_over_window(p_id, p_node);
      return true;
    end if;
  elsif p_what = 'part' then
    perform from evd.window_part p
      where p.window_id = p_id and p.handler = p_handler and p.node_id = p_node
      for no key update skip locked;
    if found then
      update evd.window_part set node_id = null, token = null
        where window_id = p_id and handler = p_handler;
      return true;
    end if;
  else
    select * into v_delivery from evd.delivery d
      where d.event_id = p_id and d.handler = p_handler and d.node_id = p_node
      for no key update skip locked;
    if found then
      perform evd.take_over_delivery(v_delivery);
      return true;
    end if;
  end if;
  return false;
end
$$;
