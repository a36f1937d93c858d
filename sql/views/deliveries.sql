-- Every pair that needs attention, or needed it and is kept as history.
create or replace view evd.deliveries as
select d.event_id, r.event_name, d.handler, d.state, d.run, d.attempts, d.max_attempts,
       case when d.state = 'waiting' then d.next_at end as next_at, d.deadline_at, d.suspect, d.last_error,
       d.event_created_at, d.created_at, d.started_at, d.ended_at, coalesce(h.owner, r.owner) as owner, d.round,
       n.name as node
from evd.delivery d
join evd.route r on r.id = d.route_id
left join evd.handler h on h.name = d.handler
left join evd.node n on n.id = d.node_id;
