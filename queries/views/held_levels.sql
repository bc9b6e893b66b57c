-- Stages that hold one number of calls, equal neighbours of a phase merged: the levels of a run. A
-- piece in which the generator was the limit is a level of its own, so that it spoils no other. A piece
-- by which a level was held while the run was measured is none: where it fares otherwise than its
-- level, it is left out.
create view held_levels as
with told as (
    select
        s.*,
        coalesce(h.generator_limited, false) as limited,
        last_value(case
            when s.note is distinct from 'held while the run was measured'
                then coalesce(h.generator_limited, false)
        end ignore nulls) over (
            partition by s.run_id order by s.stage_index
            rows between unbounded preceding and current row
        ) as level_limited
    from stages s
    left join stage_health h using (run_id, stage_index)
),
held as (
    select
        s.*,
        lag(s.calls_to) over w = s.calls_to
            and lag(s.calls_from) over w = lag(s.calls_to) over w
            and lag(s.phase) over w = s.phase
            and lag(s.limited) over w = s.limited as goes_on,
        lag(s.calls_to) over w > s.calls_to as comes_down
    from told s
    where s.limited = s.level_limited
    window w as (partition by s.run_id order by s.stage_index)
)
select
    run_id,
    min(stage_index) as level_no,
    any_value(calls_to) as level,
    arg_min(phase, stage_index) as phase,
    min(started_ns) as started_ns,
    max(ended_ns) as ended_ns,
    any_value(limited) as limited,
    coalesce(arg_min(comes_down, stage_index), false) as comes_down
from (
    select *, sum(if(goes_on, 0, 1)) over (partition by run_id order by stage_index) as island
    from held
    where calls_from = calls_to and calls_to > 0 and duration_s > 0
)
group by run_id, island;
