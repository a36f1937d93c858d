-- The window that a claim with this token has just taken; null where it took none, or other claims have taken very many
-- since. Reads event_window.
create or replace function evd.window_of_token(p_token bigint) returns bigint
language plpgsql stable
as $$
begin
  return (select n.id from (select w.id, w.token from evd.event_window w order by w.id desc limit 16) n
          where n.token = p_token order by n.id desc limit 1);
end
$$;
