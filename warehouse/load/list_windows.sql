-- The windows among `new_list_windows` that are not loaded yet.
insert into list_windows by name
select distinct new_list_windows.*
from new_list_windows
anti join list_windows
    on new_list_windows.source = list_windows.source
    and new_list_windows.action is not distinct from list_windows.action
    and new_list_windows.window_start = list_windows.window_start
    and new_list_windows.window_end = list_windows.window_end
    and new_list_windows.run_id = list_windows.run_id;
