-- A scalar macro: failure_fingerprint(reason) is the text of a reason without the parts that differ from task to task,
-- so that reasons for the same kind of failure are equal. These parts are replaced by <url>, <value> (anything in
-- quotes), <time>, <id> (UUIDs, ObjectIds, hashes, task ids: eight or more letters and digits, mixed) and <n> (any
-- other number). Request ids are removed, because not every gateway gives them. Full-width characters become ASCII,
-- capitals become lower case, white space becomes one space. Failures that are common in English and in Chinese, e.g.
-- 'Task timed out (45 minutes)' and '任务超时（30分钟）', have the same fingerprint.
--
-- reason: the fail_reason as it came; NULL gives NULL
create or replace macro failure_fingerprint(reason) as (
    case
        when regexp_matches(reason, '任务超时|(?i)task timed?[ -]?out') then 'task timed out'
        when regexp_matches(reason, '获取渠道信息失败|(?i)failed to get channel info') then 'failed to get channel info'
        when regexp_matches(reason, '未检测到人脸|(?i)no face (was )?(found|detected)|face not (found|detected)')
            then 'no face detected'
        else rtrim(ltrim(
            -- read the nested calls from the innermost outward: each works on the result of the one inside it
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
            regexp_replace(
                translate(
                    lower(reason),
                    '０１２３４５６７８９ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ（）［］｛｝【】，、．。：；！？＂“”„「」『』《》＇‘’％＃＆＊＋－＝／＿＠～　',
                    '0123456789abcdefghijklmnopqrstuvwxyz()[]{}[],,..:;!?"""""""""""''''''%#&*+-=/_@~ '
                ),
                '\(?\b(request|trace)[ _-]?id\s*[:=]\s*[a-z0-9_-]+\)?', '', 'g'),
                '\b[a-z][a-z0-9+.-]*://[\w.:/?&=%#@+~!$*;-]+', '<url>', 'g'),
                -- not in JSON, where the text in quotes says what happened
                '(^|[^":,{}\[\]\s](:\s*|\s+)|[(=<>]|[^[:ascii:]])"[^"{}\[\]:,][^"]*"', '\1<value>', 'g'),
                '(^|[^a-z0-9])''[^'']*''', '\1<value>', 'g'),
                '\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b', '<id>', 'g'),
                '\b\d{4}[-/]\d\d?[-/]\d\d?([t ]\d\d?:\d\d(:\d\d)?(\.\d+)?(z| ?[+-]\d\d:?\d\d)?)?', '<time>', 'g'),
                '\btask_[a-z0-9]{16,}\b', '<id>', 'g'),
                '\b\d{1,11}([.,:]\d{1,11})*\b', '<n>', 'g'),
                '(^|[^a-z0-9])([0-9a-f]{8,}\b|[a-z]*\d[a-z0-9]{7,}|[a-z0-9]{15,}\d[a-z0-9]*)', '\1<id>', 'g'),
                '(<n>[.,:])*\d+([.,:]\d+)*', '<n>', 'g'),
                '\s*([,:;])\s*', '\1 ', 'g'),
                '\s*\(\s*', ' (', 'g'),
                '\s+', ' ', 'g'),
            ' '), ' .,:;!')
    end
);
