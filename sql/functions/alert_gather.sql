-- Makes one message of those that a failing channel did not take and of what was collected since about the same, so that
-- it finds one when it is back, and not one for each time that it was tried. It is the newer one, with the newer examples:
-- who took an older one after all is told anew, and no text that a channel cannot stand stays for ever.
-- Writes alert_group, alert_pair.
create or replace function evd.alert_gather(p_channel text) returns void
language plpgsql
as $$
declare
  v_both  record;
  v_moved integer;
begin
  for v_both in
    select n.id as new_id, o.id as old_id
    from evd.alert_group n
    join evd.alert_group o on o.channel = n.channel and o.kind = n.kind and o.event_name = n.event_name
      and o.handler = n.handler
    where n.channel = p_channel and n.state = 'open' and n.next_at <= clock_timestamp()
      and o.state = 'sending' and o.lease is null
      and coalesce(greatest(n.acked_until, o.acked_until) < clock_timestamp(), true)
    order by o.id
    for no key update skip locked
  loop
    update evd.alert_pair p set group_id = v_both.new_id
      where p.group_id = v_both.old_id
        and not exists (select from evd.alert_pair q where q.group_id = v_both.new_id and q.event_id = p.event_id);
    get diagnostics v_moved = row_count;
    update evd.alert_group n
      set count = case when n.is_tracked then n.count + v_moved
                       when n.kind = 'recovered' then greatest(n.count, o.count)
                       else n.count + o.count end,
          pending = n.pending + v_moved, owner = coalesce(n.owner, o.owner),
          attempts = greatest(n.attempts, o.attempts), last_error = coalesce(n.last_error, o.last_error),
          recovers = o.recovers || n.recovers, first_at = least(n.first_at, o.first_at),
          event_ids = evd.alert_merge_ids(n.event_ids, o.event_ids),
          examples = evd.alert_merge_examples(n.examples, o.examples)
      from evd.alert_group o where n.id = v_both.new_id and o.id = v_both.old_id;
    delete from evd.alert_pair where group_id = v_both.old_id;
    update evd.alert_group
      set state = 'dropped', pending = 0, settled_at = clock_timestamp(), send_error = 'told as A' || v_both.new_id
      where id = v_both.old_id;
  end loop;
end
$$;
