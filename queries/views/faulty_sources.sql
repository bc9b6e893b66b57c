-- Sources that told nonsense of a component too often to be believed: one in twenty latencies is
-- zero or below, of at least twenty. They step back behind any other source. What was refused at the
-- door did take no time.
create view faulty_sources as
select run_id, component, source
from told_sources
where component in ('stt', 'llm', 'tts') and told >= 20 and told_nonsense > 0.05 * told;
