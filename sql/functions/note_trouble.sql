-- Notes that something is wrong with the installation, or, p_error being null, that it is not any more. It is told once,
-- when it has lasted for p_after, and so is its end. The subjects of different kinds differ. Writes trouble; appends to
-- alert.
create or replace function evd.note_trouble(p_kind text, p_subject text, p_error text, p_after interval default '0')
returns void
language plpgsql
as $$
begin
  if p_error is null then
    delete from evd.trouble where kind = p_kind and subject = p_subject and told_at is null;
    delete from evd.trouble where kind = p_kind and subject = p_subject;
    if found then
      insert into evd.alert (kind, handler) values ('recovered', p_subject);
    end if;
    return;
  end if;
  insert into evd.trouble as t (kind, subject, error) values (p_kind, p_subject, p_error)
    on conflict (kind, subject) do update set error = excluded.error where t.error <> excluded.error;
  update evd.trouble set told_at = clock_timestamp()
    where kind = p_kind and subject = p_subject and told_at is null and since <= clock_timestamp() - p_after;
  if found then
    insert into evd.alert (kind, handler, error) values (p_kind, p_subject, p_error);
  end if;
end
$$;
