-- title: Clocks of the components
-- question: Whose clock is another one than the caller's, and by how much at least?
-- columns: component, source, turns, turns_outside, off_s
-- reads: skewed_sources
-- `off_s` above zero: ahead. What is left of a turn without account is then not known for the run.
select component, source, told as turns, told_outside as turns_outside, off_s
from skewed_sources
where run_id = $run_id
order by component, source
