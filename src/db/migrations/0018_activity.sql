-- SPDX-License-Identifier: Apache-2.0
--
-- Version 18: how often something was pulled, pushed and deleted in a repository on each day (days since 1970, UTC), written with
-- the event itself. The audit log could not tell: it may be purged, kinds of entries may be left out of it, and it is not sorted by
-- repository. 400 days are kept (LIMIT_ACTIVITY_DAYS).

CREATE TABLE repository_day (
    repository_id @I64@ NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    day           @I64@ NOT NULL,
    pulls         @I64@ NOT NULL,
    pushes        @I64@ NOT NULL,
    deletes       @I64@ NOT NULL,
    PRIMARY KEY (repository_id, day)
) @SORTED@;

--@ sqlite
CREATE TRIGGER repository_day_old AFTER INSERT ON repository_day BEGIN
    DELETE FROM repository_day WHERE repository_id = NEW.repository_id AND day <= NEW.day - 400;
END;
--@ postgres
CREATE FUNCTION repository_day_old() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM repository_day WHERE repository_id = NEW.repository_id AND day <= NEW.day - 400;
    RETURN NULL;
END $$;
CREATE TRIGGER repository_day_old AFTER INSERT ON repository_day FOR EACH ROW EXECUTE FUNCTION repository_day_old();
