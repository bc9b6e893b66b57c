-- What is known of the turns whose raw spans were removed, one row for each turn and component again.
-- A latency is spread over its bucket, so it is right to 2.2 %; which call a turn was of is not
-- known any more. The sums are exact and stand in rolled_cells.
create view rolled_turns as
select
    * exclude (bucket, turns, sum_s, self_turns, self_sum_s, self_sum_squares, place),
    case
        when bucket = -1000 then 0
        else power(2, (bucket + (place + 0.5) / turns) / 32)
    end as latency_s,
    self_sum_s / nullif(self_turns, 0) as self_s
from (select *, unnest(range(turns::bigint)) as place from rolled_cells);
