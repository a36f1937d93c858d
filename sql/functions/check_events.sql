-- The first event of an array that evd.emit_many must refuse, or no row. Reads route.
create or replace function evd.check_events(p_events jsonb)
returns table (index bigint, problem text, code text)
language sql stable
as $$
  select i.index,
         case when i.route_id is null then format('event_name: no such event: "%s"', i.event_name)
              when i.deliver_at > clock_timestamp() + interval '100 years'
                then format('deliver_at: %s is more than 100 years ahead', i.deliver_at)
              else format('args: %s bytes are more than the %s allowed for "%s"', pg_column_size(i.args), i.max_args,
                          i.event_name) end,
         case when i.route_id is null then 'VE001'
              when i.deliver_at > clock_timestamp() + interval '100 years' then '22023'
              else 'VE002' end
  from evd.parse_events(p_events) i
  where i.route_id is null or pg_column_size(i.args) > i.max_args
     or i.deliver_at > clock_timestamp() + interval '100 years'
  order by i.index limit 1
$$;
