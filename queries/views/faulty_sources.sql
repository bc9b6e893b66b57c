-- Sources that told nonsense of a component too often to be believed: one in twenty latencies is
-- zero or below, of at least twenty. They step back behind any other source. What was refused at the
-- door did take no time.
create view faulty_sources as
select run_id, component, source
from component_observations
where component in ('stt', 'llm', 'tts')
group by run_id, component, source
having count(*) >= 20
    and count(*) filter (latency_s < 0 or latency_s = 0 and error_type is null) > 0.05 * count(*);
