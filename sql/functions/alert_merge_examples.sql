-- The examples that a group shows: three, and each event's newest only. Reads nothing.
create or replace function evd.alert_merge_examples(p_old jsonb, p_new jsonb) returns jsonb
language sql immutable
as $$
  select coalesce(jsonb_agg(s.example order by s.ordinal), '[]')
  from (select l.example, l.ordinal
        from (select distinct on (coalesce(e.example ->> 'event_id', e.ordinal::text)) e.example, e.ordinal
              from jsonb_array_elements(p_old || p_new) with ordinality e (example, ordinal)
              order by coalesce(e.example ->> 'event_id', e.ordinal::text), e.ordinal desc) l
        order by l.ordinal limit 3) s
$$;
