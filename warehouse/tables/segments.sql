-- One row per archive segment that is loaded. A segment that is in the archive but not here is loaded next time. A
-- compacted segment replaces the segments it was made from, here as in the archive.
--
-- segment_id: name of the segment's file, without its ending
-- kind: requests, observations, list_pages, list_windows or runs
-- rows: rows in the segment
-- bytes: size of the file
create table if not exists segments (
    segment_id varchar,
    kind varchar,
    rows bigint,
    bytes bigint
);
