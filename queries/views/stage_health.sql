-- Whether the generator kept its own promises during each stage: a late caller measures itself.
-- The limits: 1 % of frames dropped as late, or a usual (median over seconds) 99th percentile of
-- the pacing error over one frame of 20 ms.
create view stage_health as
select
    s.run_id,
    s.stage_index,
    quantile_cont(m.value, 0.5) filter (m.name = 'voiceload.generator.pacing_error_p99_s')
        as pacing_error_p99_s,
    avg(m.value) filter (m.name = 'voiceload.generator.late_share') as late_share,
    coalesce(late_share > 0.01 or pacing_error_p99_s > 0.02, false) as generator_limited
from stages s
join metric_points m on m.run_id = s.run_id and m.at_ns >= s.started_ns and m.at_ns < s.ended_ns
where m.name in ('voiceload.generator.pacing_error_p99_s', 'voiceload.generator.late_share')
group by s.run_id, s.stage_index;
