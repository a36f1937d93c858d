-- Whether an event's deadline has passed, by the time at which the caller's statement began. Reads route. It costs more
-- than it says: a planner that knew would rather read a whole index than the few pages around an id.
create or replace function evd.is_overdue(p_created_at timestamptz, p_due_at timestamptz, p_route integer) returns boolean
language plpgsql stable cost 1
as $$
begin
  return (select greatest(p_created_at, p_due_at) + r.deadline < statement_timestamp() from evd.route r
          where r.id = p_route);
end
$$;
