-- The application of the example: a shop, and the function that its sql handler calls.
create schema shop;
create table shop.purchase (id bigint generated always as identity primary key, buyer text, yen integer);

-- No unique key: a coupon that was given twice would be seen.
create table shop.coupon (event_id bigint, buyer text, percent integer);

create function shop.give_coupon(event jsonb) returns void
language sql
begin atomic
  insert into shop.coupon
  values ((event ->> 'id')::bigint, event #>> '{args,0}', case when (event #>> '{args,1}')::integer < 5000 then 5 else 10 end);
end;
