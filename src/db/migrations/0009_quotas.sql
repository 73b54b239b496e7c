-- SPDX-License-Identifier: Apache-2.0
--
-- Version 9: how much each project holds, and may hold. What a project holds is each digest once, however many of its
-- repositories have it: project_content counts them. Triggers keep it, so that no way of adding or taking away content
-- can forget to. hard -1: no limit. kind 1: a blob, 2: a document; size: as it was counted.

CREATE TABLE project_quota (
    project_id @I64@ NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
    hard       @I64@ NOT NULL DEFAULT -1 CHECK (hard >= -1),
    used       @I64@ NOT NULL DEFAULT 0,
    created_ms @I64@ NOT NULL,
    updated_ms @I64@ NOT NULL
) @ROWS@;
CREATE INDEX project_quota_used ON project_quota (used);

CREATE TABLE project_content (
    project_id @I64@ NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    kind       @I64@ NOT NULL CHECK (kind IN (1, 2)),
    content_id @I64@ NOT NULL,
    refs       @I64@ NOT NULL,
    size       @I64@ NOT NULL,
    PRIMARY KEY (project_id, kind, content_id)
) @SORTED@;

INSERT INTO project_content (project_id, kind, content_id, refs, size)
    SELECT r.project_id, 1, m.blob_id, count(*), min(b.size)
    FROM repository_blob m JOIN repository r ON r.id = m.repository_id JOIN blob b ON b.id = m.blob_id
    GROUP BY r.project_id, m.blob_id;
INSERT INTO project_content (project_id, kind, content_id, refs, size)
    SELECT r.project_id, 2, a.document_id, count(*), min(a.size)
    FROM artifact a JOIN repository r ON r.id = a.repository_id
    GROUP BY r.project_id, a.document_id;
INSERT INTO project_quota (project_id, used, created_ms, updated_ms)
    SELECT p.id, coalesce((SELECT sum(c.size) FROM project_content c WHERE c.project_id = p.id), 0),
        p.created_ms, p.created_ms
    FROM project p;

--@ sqlite
CREATE TRIGGER project_made AFTER INSERT ON project BEGIN
    INSERT INTO project_quota (project_id, created_ms, updated_ms) VALUES (NEW.id, NEW.created_ms, NEW.created_ms);
END;
CREATE TRIGGER blob_joined AFTER INSERT ON repository_blob BEGIN
    INSERT INTO project_content (project_id, kind, content_id, refs, size)
        SELECT r.project_id, 1, NEW.blob_id, 1, b.size FROM repository r JOIN blob b ON b.id = NEW.blob_id
        WHERE r.id = NEW.repository_id
        ON CONFLICT (project_id, kind, content_id) DO UPDATE SET refs = refs + 1;
END;
CREATE TRIGGER blob_left AFTER DELETE ON repository_blob BEGIN
    UPDATE project_content SET refs = refs - 1
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 1 AND content_id = OLD.blob_id;
    DELETE FROM project_content
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 1 AND content_id = OLD.blob_id AND refs = 0;
END;
CREATE TRIGGER artifact_joined AFTER INSERT ON artifact BEGIN
    INSERT INTO project_content (project_id, kind, content_id, refs, size)
        SELECT r.project_id, 2, NEW.document_id, 1, NEW.size FROM repository r WHERE r.id = NEW.repository_id
        ON CONFLICT (project_id, kind, content_id) DO UPDATE SET refs = refs + 1;
END;
CREATE TRIGGER artifact_left AFTER DELETE ON artifact BEGIN
    UPDATE project_content SET refs = refs - 1
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 2 AND content_id = OLD.document_id;
    DELETE FROM project_content
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 2 AND content_id = OLD.document_id AND refs = 0;
END;
CREATE TRIGGER content_added AFTER INSERT ON project_content BEGIN
    UPDATE project_quota SET used = used + NEW.size WHERE project_id = NEW.project_id;
END;
CREATE TRIGGER content_removed AFTER DELETE ON project_content BEGIN
    UPDATE project_quota SET used = used - OLD.size WHERE project_id = OLD.project_id;
END;
--@ postgres
CREATE FUNCTION project_made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO project_quota (project_id, created_ms, updated_ms) VALUES (NEW.id, NEW.created_ms, NEW.created_ms);
    RETURN NULL;
END $$;
CREATE TRIGGER project_made AFTER INSERT ON project FOR EACH ROW EXECUTE FUNCTION project_made();
CREATE FUNCTION blob_joined() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO project_content AS c (project_id, kind, content_id, refs, size)
        SELECT r.project_id, 1, NEW.blob_id, 1, b.size FROM repository r JOIN blob b ON b.id = NEW.blob_id
        WHERE r.id = NEW.repository_id
        ON CONFLICT (project_id, kind, content_id) DO UPDATE SET refs = c.refs + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER blob_joined AFTER INSERT ON repository_blob FOR EACH ROW EXECUTE FUNCTION blob_joined();
CREATE FUNCTION blob_left() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE project_content SET refs = refs - 1
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 1 AND content_id = OLD.blob_id;
    DELETE FROM project_content
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 1 AND content_id = OLD.blob_id AND refs = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER blob_left AFTER DELETE ON repository_blob FOR EACH ROW EXECUTE FUNCTION blob_left();
CREATE FUNCTION artifact_joined() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO project_content AS c (project_id, kind, content_id, refs, size)
        SELECT r.project_id, 2, NEW.document_id, 1, NEW.size FROM repository r WHERE r.id = NEW.repository_id
        ON CONFLICT (project_id, kind, content_id) DO UPDATE SET refs = c.refs + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_joined AFTER INSERT ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_joined();
CREATE FUNCTION artifact_left() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE project_content SET refs = refs - 1
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 2 AND content_id = OLD.document_id;
    DELETE FROM project_content
        WHERE project_id = (SELECT project_id FROM repository WHERE id = OLD.repository_id)
        AND kind = 2 AND content_id = OLD.document_id AND refs = 0;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_left AFTER DELETE ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_left();
CREATE FUNCTION content_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE project_quota SET used = used + NEW.size WHERE project_id = NEW.project_id;
    RETURN NULL;
END $$;
CREATE TRIGGER content_added AFTER INSERT ON project_content FOR EACH ROW EXECUTE FUNCTION content_added();
CREATE FUNCTION content_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE project_quota SET used = used - OLD.size WHERE project_id = OLD.project_id;
    RETURN NULL;
END $$;
CREATE TRIGGER content_removed AFTER DELETE ON project_content FOR EACH ROW EXECUTE FUNCTION content_removed();
--@ both
