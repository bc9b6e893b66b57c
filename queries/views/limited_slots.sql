-- The quarters of a second in which a shard of the generator was the limit: no evidence, so levels
-- leave them out of their time, and of the turns those that begin or end in one. Both ends and not
-- what lies between: a turn is as long as its two stamps say, and long turns must not be lost more
-- often than short ones. Of a silence of over a day it is the last day: a word with a broken clock
-- reaches over decades.
create view limited_slots as
select distinct
    run_id,
    unnest(range(
        greatest(from_ns, until_ns - 86400000000000) // 250000000,
        (until_ns - 1) // 250000000 + 1
    )) as slot
from generator_seconds
where limited;
