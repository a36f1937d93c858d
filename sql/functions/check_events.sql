-- Refuses the first event of an array that evd.emit_many must not write, as evd.refuse_event says. Reads route.
create or replace function evd.check_events(p_events jsonb) returns void
language sql stable
as $$
  select evd.refuse_event(i.index, i.event_name, pg_column_size(i.args), i.deliver_at)
  from evd.parse_events(p_events) i
  where i.route_id is null or pg_column_size(i.args) > i.max_args
     or i.deliver_at > clock_timestamp() + interval '100 years'
  order by i.index limit 1
$$;
