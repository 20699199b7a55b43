-- A scalar macro: url_expires_at(url) is when a signed URL stops working, or NULL when the URL does not show it. It
-- supports X-Amz-Date with X-Amz-Expires and similar pairs (X-Goog-…, X-Tos-…, x-oss-…: time of signing, and seconds of
-- validity), Expires=<Unix seconds> (S3, CloudFront, Google, Alibaba) and e=<Unix seconds> (Qiniu).
--
-- url: the URL
create or replace macro url_expires_at(url) as (
    case when contains(url, '=') then to_timestamp(coalesce(
        epoch(try_strptime(
            nullif(regexp_extract(url, '(?i)[?&]x-[a-z]+-date=(\d{8}t\d{6})z', 1), ''), '%Y%m%dT%H%M%S'
        )) + try_cast(regexp_extract(url, '(?i)[?&]x-[a-z]+-expires=(\d{1,9})(&|#|$)', 1) as bigint),
        try_cast(regexp_extract(url, '(?i)[?&](expires|e)=(\d{9,11})(&|#|$)', 2) as bigint)
    )) end
);
