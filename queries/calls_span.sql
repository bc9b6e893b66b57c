-- title: From the first call to the last
-- question: Between which moments were there calls?
-- columns: calls, started_ns, ended_ns
-- reads: calls
-- For reports of a window (`--since`, `--until`) that holds nothing.
select count(*) as calls, min(started_ns)::bigint as started_ns, max(ended_ns)::bigint as ended_ns
from calls
where run_id = $run_id
