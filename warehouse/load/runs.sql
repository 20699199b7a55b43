-- A run is written once, at its end; but its row may come twice, e.g. after copies of archives were merged.
merge into runs as old
using (select distinct on (run_id) * from new_runs order by all) as new
on old.run_id = new.run_id
when not matched then insert by name;
