-- SPDX-License-Identifier: Apache-2.0
--
-- Version 19: the number of what was removed is never given again. Who keeps a number while something else happens (what is read
-- in the background, counts of pulls that are gathered, the search, a client) would find another thing under it: what was read in a
-- model that is gone would stand at the next one that is pushed.
--
-- PostgreSQL has always counted so. SQLite counts on from the largest number that is there, unless the text of the table asks for
-- more; that text is all that differs in the file (https://www.sqlite.org/lang_altertable.html, section 7, the second procedure).

--@ sqlite
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql, 'INTEGER PRIMARY KEY', 'INTEGER PRIMARY KEY AUTOINCREMENT')
    WHERE type = 'table' AND sql NOT LIKE '%AUTOINCREMENT%';
PRAGMA writable_schema = RESET;
-- Where counting goes on; a larger number that is already gone is known to nobody.
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'repository', coalesce(max(id), 0) FROM repository UNION ALL SELECT 'object', coalesce(max(id), 0) FROM object
    UNION ALL SELECT 'blob', coalesce(max(id), 0) FROM blob UNION ALL SELECT 'document', coalesce(max(id), 0) FROM document
    UNION ALL SELECT 'artifact', coalesce(max(id), 0) FROM artifact UNION ALL SELECT 'tag', coalesce(max(id), 0) FROM tag
    UNION ALL SELECT 'label', coalesce(max(id), 0) FROM label UNION ALL SELECT 'job', coalesce(max(id), 0) FROM job
    UNION ALL SELECT 'user_group', coalesce(max(id), 0) FROM user_group
    UNION ALL SELECT 'project_member', coalesce(max(id), 0) FROM project_member;
--@ both
