-- Whether a deferred part, of a window opened at p_opened_at, covers an event of that window. What is due only after the
-- window opened has deliveries from its close on. Reads nothing.
create or replace function evd.is_put_off(p_xid xid8, p_id bigint, p_due_at timestamptz, p evd.window_part,
                                          p_opened_at timestamptz) returns boolean
language sql stable
as $$
  select p.state = 'deferred' and (p_xid, p_id) > (p.upto_xid, p.upto_id)
     and (p_due_at is null or p_due_at <= p_opened_at)
$$;
