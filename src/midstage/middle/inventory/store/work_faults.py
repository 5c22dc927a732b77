"""What the doctor asks of stock work; each statement returns the wrong rows alone."""

TRANSIT_OFF = """
with on_the_way as (
  select t.to_id as location_id, l.sku_id, l.sent_milli - l.received_milli - l.lost_milli - l.back_milli as milli
    from stock_transfer t
    join stock_transfer_line l on l.brand_id = $1 and l.transfer_id = t.transfer_id
   where t.brand_id = $1 and t.state in ('sent', 'received')
  union all
  select d.location_id, l.sku_id, greatest(0, l.expected_milli - l.received_milli - l.refused_milli - l.off_milli)
    from stock_delivery d
    join stock_delivery_line l on l.brand_id = $1 and l.delivery_id = d.delivery_id
   where d.brand_id = $1 and d.state in ('expected', 'part')
), due as (
  select location_id, sku_id, sum(milli) as milli from on_the_way group by location_id, sku_id having sum(milli) <> 0
), kept as (
  select s.location_id, s.sku_id, s.tracked_milli from stock s where s.brand_id = $1 and s.tracked_milli <> 0
)
select location_id, sku_id, tracked_milli, due.milli::text as due
  from kept full join due using (location_id, sku_id)
 where coalesce(tracked_milli, 0) <> coalesce(due.milli, 0)
 limit 20
"""

TRANSFER_MOVED_OFF = """
with moved as (
  select m.reference, m.sku_id,
         coalesce(-sum(m.on_hand_delta_milli) filter (where m.kind = 'sent'), 0) as sent,
         coalesce(sum(m.on_hand_delta_milli) filter (where m.kind = 'arrived'), 0) as arrived,
         coalesce(sum(m.on_hand_delta_milli) filter (where m.kind = 'sent_back'), 0) as back,
         coalesce(-sum(m.incoming_delta_milli) filter (where m.kind = 'lost'), 0) as lost
    from stock_movement m
   where m.brand_id = $1 and m.kind in ('sent', 'arrived', 'sent_back', 'lost')
   group by m.reference, m.sku_id
), line as (
  select l.transfer_id as reference, l.sku_id, l.sent_milli, l.received_milli + l.over_milli as arrived_milli,
         l.back_milli, l.lost_milli
    from stock_transfer_line l where l.brand_id = $1 and l.sent_milli <> 0
)
select reference as transfer_id, sku_id, sent_milli, moved.sent::text, arrived_milli, moved.arrived::text
  from line full join moved using (reference, sku_id)
 where coalesce(sent_milli, 0) <> coalesce(moved.sent, 0) or coalesce(arrived_milli, 0) <> coalesce(moved.arrived, 0)
    or coalesce(back_milli, 0) <> coalesce(moved.back, 0) or coalesce(lost_milli, 0) <> coalesce(moved.lost, 0)
 limit 20
"""

TRANSFER_STATE_OFF = """
select t.transfer_id, t.state
  from stock_transfer t
 where t.brand_id = $1
   and case when t.state in ('asked', 'approved', 'refused', 'cancelled')
            then exists (select 1 from stock_transfer_line l
                          where l.brand_id = $1 and l.transfer_id = t.transfer_id and l.sent_milli <> 0)
            when t.state = 'closed'
            then exists (select 1 from stock_transfer_line l
                          where l.brand_id = $1 and l.transfer_id = t.transfer_id
                            and l.sent_milli <> l.received_milli + l.lost_milli + l.back_milli)
            when t.state = 'received'
            then not exists (select 1 from stock_transfer_line l
                              where l.brand_id = $1 and l.transfer_id = t.transfer_id
                                and l.sent_milli <> l.received_milli + l.lost_milli + l.back_milli)
            else false end
 limit 20
"""

COUNT_OFF = """
with entered as (
  select e.count_id, e.sku_id, e.round, sum(e.milli) as milli
    from stock_count_entry e where e.brand_id = $1 group by e.count_id, e.sku_id, e.round
)
select l.count_id, l.sku_id, l.counted_milli, entered.milli::text as entered
  from stock_count_line l
  left join entered on entered.count_id = l.count_id and entered.sku_id = l.sku_id and entered.round = l.round
 where l.brand_id = $1 and coalesce(l.counted_milli, 0) <> coalesce(entered.milli, 0)
 limit 20
"""

COUNT_MOVED_OFF = """
with moved as (
  select m.reference as count_id, m.sku_id, sum(m.on_hand_delta_milli) as milli
    from stock_movement m where m.brand_id = $1 and m.kind = 'counted' group by m.reference, m.sku_id
)
select l.count_id, l.sku_id, l.difference_milli, moved.milli::text as moved
  from stock_count c
  join stock_count_line l on l.brand_id = $1 and l.count_id = c.count_id
  left join moved on moved.count_id = l.count_id and moved.sku_id = l.sku_id
 where c.brand_id = $1
   and coalesce(moved.milli, 0) <> case when c.state = 'approved' then coalesce(l.difference_milli, 0) else 0 end
 limit 20
"""

DELIVERY_OFF = """
with moved as (
  select m.reference as delivery_id, m.sku_id, sum(m.on_hand_delta_milli) as milli
    from stock_movement m where m.brand_id = $1 and m.kind = 'received' group by m.reference, m.sku_id
)
select l.delivery_id, l.sku_id, l.received_milli, moved.milli::text as moved
  from stock_delivery_line l
  left join moved on moved.delivery_id = l.delivery_id and moved.sku_id = l.sku_id
 where l.brand_id = $1 and l.received_milli <> coalesce(moved.milli, 0)
 limit 20
"""

COST_OFF = """
with booked as (
  select e.operator_id, e.sku_id, sum(e.milli) as milli, sum(e.in_minor - e.out_minor) as minor
    from stock_cost_entry e where e.brand_id = $1 and not e.transit group by e.operator_id, e.sku_id
), kept as (
  select c.operator_id, c.sku_id, c.quantity_milli, c.value_minor from stock_cost c where c.brand_id = $1
)
select operator_id, sku_id, quantity_milli, booked.milli::text as booked_milli, value_minor,
       booked.minor::text as booked_minor
  from kept full join booked using (operator_id, sku_id)
 where coalesce(quantity_milli, 0) <> coalesce(booked.milli, 0) or coalesce(value_minor, 0) <> coalesce(booked.minor, 0)
 limit 20
"""

COST_PLACES_OFF = """
with place as (
  select p.operator_id, p.sku_id, sum(p.quantity_milli) as milli
    from stock_cost_place p where p.brand_id = $1 group by p.operator_id, p.sku_id
), kept as (
  select c.operator_id, c.sku_id, c.quantity_milli from stock_cost c where c.brand_id = $1
)
select operator_id, sku_id, quantity_milli, place.milli::text as in_places
  from kept full join place using (operator_id, sku_id)
 where coalesce(quantity_milli, 0) <> coalesce(place.milli, 0)
 limit 20
"""

# What a place has in the books of value, and what moved there since, is what lies there.
COST_STOCK_OFF = """
select p.location_id, p.sku_id, p.quantity_milli, s.on_hand_milli
  from stock_cost_place p
  join stock s on s.brand_id = $1 and s.location_id = p.location_id and s.sku_id = p.sku_id
 where p.brand_id = $1
   and s.on_hand_milli <> p.quantity_milli
       + coalesce((select sum(m.on_hand_delta_milli) from stock_movement m
                    where m.brand_id = $1 and m.location_id = p.location_id and m.sku_id = p.sku_id
                      and m.on_hand_delta_milli <> 0 and m.movement_id > p.movement_id), 0)
 limit 20
"""

TRANSIT_VALUE_OFF = """
with booked as (
  select e.reference as transfer_id, e.sku_id, sum(e.milli) as milli, sum(e.in_minor - e.out_minor) as minor
    from stock_cost_entry e where e.brand_id = $1 and e.transit group by e.reference, e.sku_id
), line as (
  select l.transfer_id, l.sku_id, l.sent_milli - l.received_milli - l.lost_milli - l.back_milli as milli,
         l.sent_minor - l.arrived_minor - l.lost_minor - l.back_minor as minor
    from stock_transfer_line l where l.brand_id = $1 and l.sent_milli <> 0
)
select transfer_id, sku_id, line.milli, booked.milli::text as booked_milli, line.minor, booked.minor::text as booked_minor
  from line full join booked using (transfer_id, sku_id)
 where coalesce(line.milli, 0) <> coalesce(booked.milli, 0) or coalesce(line.minor, 0) <> coalesce(booked.minor, 0)
    or (line.milli = 0 and line.minor <> 0)
 limit 20
"""

WORK_FAULTS = (
    ("inventory.transit", "What transfers and deliveries bring is not what is expected of them", TRANSIT_OFF),
    ("inventory.transfer_moved", "A transfer is not what its movements say", TRANSFER_MOVED_OFF),
    ("inventory.transfer_state", "A transfer is in a state that its lines do not bear out", TRANSFER_STATE_OFF),
    ("inventory.count_entered", "What was counted is not what was entered", COUNT_OFF),
    ("inventory.count_moved", "A count has not moved what it found", COUNT_MOVED_OFF),
    ("inventory.delivery_moved", "What was received of a delivery is not what came", DELIVERY_OFF),
    ("inventory.value", "The value of stock is not what came in less what went out", COST_OFF),
    ("inventory.value_places", "What is valued of an operator is not what lies in its places", COST_PLACES_OFF),
    ("inventory.value_stock", "What is valued, and what moved since, is not what lies there", COST_STOCK_OFF),
    ("inventory.value_transit", "The value in transit is not that of the transfers", TRANSIT_VALUE_OFF),
)
