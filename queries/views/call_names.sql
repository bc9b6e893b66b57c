-- What calls are named. In people's own SQL by their names, and the two columns say the same; for reports
-- calls are numbers in the order of their names, and here is what each stands for.
create view call_names as
select distinct call_id, call_id as name from mapped where call_id is not null;
