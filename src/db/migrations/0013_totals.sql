-- SPDX-License-Identifier: Apache-2.0
--
-- Version 13: what lists would have to count or search for, however large they are. Triggers keep it, as in version 9.
--
-- repository.artifacts: all that it holds; accessories: those among them that are about another one.
-- project.repositories: those that hold an artifact. audit_total: entries of the audit log of each project.
-- repository_part: the name of each repository from each of its characters on, cut at 16, so that a part of a name is found by
-- a range of keys.

ALTER TABLE repository ADD COLUMN artifacts @I64@ NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN accessories @I64@ NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN repositories @I64@ NOT NULL DEFAULT 0;
UPDATE repository SET
    artifacts = (SELECT count(*) FROM artifact a WHERE a.repository_id = repository.id),
    accessories = (SELECT count(*) FROM artifact a WHERE a.repository_id = repository.id AND a.accessory_of IS NOT NULL);
UPDATE project SET
    repositories = (SELECT count(*) FROM repository r WHERE r.project_id = project.id AND r.artifacts > 0);

-- In the orders of lists.
CREATE INDEX repository_made ON repository (created_ms, id) WHERE artifacts > 0;
CREATE INDEX repository_made_in_project ON repository (project_id, created_ms, id) WHERE artifacts > 0;

CREATE TABLE audit_total (
    project_id @I64@ NOT NULL PRIMARY KEY,
    entries    @I64@ NOT NULL
) @SORTED@;
INSERT INTO audit_total (project_id, entries) SELECT project_id, count(*) FROM audit_log GROUP BY project_id;

-- 1 to the length of the longest name.
CREATE TABLE name_position (
    at @I64@ NOT NULL PRIMARY KEY
) @SORTED@;
INSERT INTO name_position (at)
    WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 255) SELECT at FROM n;

CREATE TABLE repository_part (
    part          @TEXT@ NOT NULL,
    repository_id @I64@ NOT NULL,
    PRIMARY KEY (part, repository_id)
) @SORTED@;
INSERT INTO repository_part (part, repository_id)
    SELECT DISTINCT substr(r.name, CAST(n.at AS INTEGER), 16), r.id
    FROM repository r JOIN name_position n ON n.at <= length(r.name);

--@ sqlite
CREATE TRIGGER artifact_counted AFTER INSERT ON artifact BEGIN
    UPDATE repository SET artifacts = artifacts + 1,
        accessories = accessories + CASE WHEN NEW.accessory_of IS NULL THEN 0 ELSE 1 END
        WHERE id = NEW.repository_id;
END;
CREATE TRIGGER artifact_uncounted AFTER DELETE ON artifact BEGIN
    UPDATE repository SET artifacts = artifacts - 1,
        accessories = accessories - CASE WHEN OLD.accessory_of IS NULL THEN 0 ELSE 1 END
        WHERE id = OLD.repository_id;
END;
CREATE TRIGGER artifact_became_accessory AFTER UPDATE OF accessory_of ON artifact
    WHEN (OLD.accessory_of IS NULL) <> (NEW.accessory_of IS NULL) BEGIN
    UPDATE repository SET accessories = accessories + CASE WHEN NEW.accessory_of IS NULL THEN -1 ELSE 1 END
        WHERE id = NEW.repository_id;
END;
CREATE TRIGGER repository_filled AFTER UPDATE OF artifacts ON repository
    WHEN (OLD.artifacts = 0) <> (NEW.artifacts = 0) BEGIN
    UPDATE project SET repositories = repositories + CASE WHEN NEW.artifacts = 0 THEN -1 ELSE 1 END
        WHERE id = NEW.project_id;
END;
CREATE TRIGGER repository_named AFTER INSERT ON repository BEGIN
    INSERT INTO repository_part (part, repository_id)
        SELECT DISTINCT substr(NEW.name, n.at, 16), NEW.id FROM name_position n WHERE n.at <= length(NEW.name);
END;
CREATE TRIGGER repository_forgotten AFTER DELETE ON repository BEGIN
    DELETE FROM repository_part WHERE repository_id = OLD.id
        AND part IN (SELECT substr(OLD.name, n.at, 16) FROM name_position n WHERE n.at <= length(OLD.name));
END;
CREATE TRIGGER audit_counted AFTER INSERT ON audit_log BEGIN
    INSERT INTO audit_total (project_id, entries) VALUES (NEW.project_id, 1)
        ON CONFLICT (project_id) DO UPDATE SET entries = entries + 1;
END;
CREATE TRIGGER audit_uncounted AFTER DELETE ON audit_log BEGIN
    UPDATE audit_total SET entries = entries - 1 WHERE project_id = OLD.project_id;
    DELETE FROM audit_total WHERE project_id = OLD.project_id AND entries = 0;
END;
--@ postgres
CREATE FUNCTION artifact_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE repository SET artifacts = artifacts + 1,
        accessories = accessories + CASE WHEN NEW.accessory_of IS NULL THEN 0 ELSE 1 END
        WHERE id = NEW.repository_id;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_counted AFTER INSERT ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_counted();
CREATE FUNCTION artifact_uncounted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE repository SET artifacts = artifacts - 1,
        accessories = accessories - CASE WHEN OLD.accessory_of IS NULL THEN 0 ELSE 1 END
        WHERE id = OLD.repository_id;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_uncounted AFTER DELETE ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_uncounted();
CREATE FUNCTION artifact_became_accessory() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE repository SET accessories = accessories + CASE WHEN NEW.accessory_of IS NULL THEN -1 ELSE 1 END
        WHERE id = NEW.repository_id;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_became_accessory AFTER UPDATE OF accessory_of ON artifact FOR EACH ROW
    WHEN ((OLD.accessory_of IS NULL) <> (NEW.accessory_of IS NULL)) EXECUTE FUNCTION artifact_became_accessory();
CREATE FUNCTION repository_filled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE project SET repositories = repositories + CASE WHEN NEW.artifacts = 0 THEN -1 ELSE 1 END
        WHERE id = NEW.project_id;
    RETURN NULL;
END $$;
CREATE TRIGGER repository_filled AFTER UPDATE OF artifacts ON repository FOR EACH ROW
    WHEN ((OLD.artifacts = 0) <> (NEW.artifacts = 0)) EXECUTE FUNCTION repository_filled();
CREATE FUNCTION repository_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO repository_part (part, repository_id)
        SELECT DISTINCT substr(NEW.name, CAST(n.at AS INTEGER), 16), NEW.id
        FROM name_position n WHERE n.at <= length(NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER repository_named AFTER INSERT ON repository FOR EACH ROW EXECUTE FUNCTION repository_named();
CREATE FUNCTION repository_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM repository_part WHERE repository_id = OLD.id AND part IN
        (SELECT substr(OLD.name, CAST(n.at AS INTEGER), 16) FROM name_position n WHERE n.at <= length(OLD.name));
    RETURN NULL;
END $$;
CREATE TRIGGER repository_forgotten AFTER DELETE ON repository FOR EACH ROW EXECUTE FUNCTION repository_forgotten();
CREATE FUNCTION audit_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_total AS t (project_id, entries) VALUES (NEW.project_id, 1)
        ON CONFLICT (project_id) DO UPDATE SET entries = t.entries + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_counted AFTER INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_counted();
CREATE FUNCTION audit_uncounted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE audit_total SET entries = entries - 1 WHERE project_id = OLD.project_id;
    DELETE FROM audit_total WHERE project_id = OLD.project_id AND entries = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_uncounted AFTER DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_uncounted();
--@ both
