-- What the shop has of its own. give_coupon is the sql handler's: its effect commits with its completion.
create schema shop;
create table shop.purchase (id bigint generated always as identity primary key, buyer text not null,
                            price integer not null check (price > 0));
create table shop.coupon (buyer text not null, event_id bigint primary key);

create function shop.give_coupon(event jsonb) returns void
language sql
as $$
  insert into shop.coupon (buyer, event_id) values (event -> 'args' ->> 0, (event ->> 'id')::bigint)
$$;
