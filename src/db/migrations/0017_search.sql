-- SPDX-License-Identifier: Apache-2.0
--
-- Version 17: the search is told of every change of what it shows: a task of the kind 'search', in the transaction of the
-- change. Triggers write them, as in version 9, so that no way of changing something can forget to.
--
-- subject: the number of what has changed, times eight, and its kind: 0 an artifact, 1 a repository, 2 a document, 3 a label,
-- 4 the pulls of a repository, which are looked at a minute later. What is asked while a task is being done is done again.

CREATE VIEW search_wish (subject, pause_ms) AS SELECT subject, 0 FROM task WHERE kind = 'search';
--@ sqlite
CREATE TRIGGER search_wished INSTEAD OF INSERT ON search_wish BEGIN
    INSERT INTO task (kind, subject, due_ms, created_ms)
        SELECT 'search', NEW.subject, n.ms + NEW.pause_ms, n.ms
        FROM (SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS ms) n WHERE true
        ON CONFLICT (kind, subject) DO UPDATE SET holder = NULL, attempts = 0, failed = 0,
        due_ms = CASE WHEN task.holder IS NULL AND task.due_ms < excluded.due_ms THEN task.due_ms
        ELSE excluded.due_ms END;
END;
CREATE TRIGGER tag_searched AFTER INSERT ON tag BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.artifact_id * 8, 0;
END;
CREATE TRIGGER tag_moved_searched AFTER UPDATE OF artifact_id, pushed_ms ON tag BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.artifact_id * 8, 0 UNION SELECT NEW.artifact_id * 8, 0;
END;
CREATE TRIGGER tag_left_searched AFTER DELETE ON tag BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.artifact_id * 8, 0;
END;
CREATE TRIGGER artifact_described_searched AFTER UPDATE OF total_size, accessory_of ON artifact BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8, 0;
END;
CREATE TRIGGER artifact_left_searched AFTER DELETE ON artifact BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.id * 8, 0;
END;
CREATE TRIGGER labelled_searched AFTER INSERT ON artifact_label BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.artifact_id * 8, 0;
END;
CREATE TRIGGER unlabelled_searched AFTER DELETE ON artifact_label BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.artifact_id * 8, 0;
END;
CREATE TRIGGER label_named_searched AFTER UPDATE OF name ON label BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8 + 3, 0;
END;
CREATE TRIGGER repository_said_searched AFTER UPDATE OF description, display_name ON repository BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8 + 1, 0;
END;
CREATE TRIGGER repository_pulled_searched AFTER UPDATE OF pull_count ON repository BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8 + 4, 60000;
END;
CREATE TRIGGER model_read_searched AFTER INSERT ON model BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.document_id * 8 + 2, 0;
END;
CREATE TRIGGER model_reread_searched AFTER UPDATE ON model BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.document_id * 8 + 2, 0;
END;
CREATE TRIGGER blob_joined_searched AFTER INSERT ON repository_blob BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT x.artifact_id * 8, 0 FROM artifact_blob x
        WHERE x.blob_id = NEW.blob_id AND x.repository_id = NEW.repository_id;
END;
CREATE TRIGGER blob_left_searched AFTER DELETE ON repository_blob BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT x.artifact_id * 8, 0 FROM artifact_blob x
        WHERE x.blob_id = OLD.blob_id AND x.repository_id = OLD.repository_id;
END;
CREATE TRIGGER blob_came_searched AFTER INSERT ON extent BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT x.artifact_id * 8, 0 FROM artifact_blob x
        WHERE NEW.seq = 0 AND x.blob_id = NEW.blob_id AND NOT EXISTS (SELECT 1 FROM repository_blob h
        WHERE h.repository_id = x.repository_id AND h.blob_id = x.blob_id);
END;
--@ postgres
CREATE FUNCTION search_wished() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO task (kind, subject, due_ms, created_ms)
        SELECT 'search', NEW.subject, n.ms + NEW.pause_ms, n.ms
        FROM (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS ms) n
        ON CONFLICT (kind, subject) DO UPDATE SET holder = NULL, attempts = 0, failed = 0,
        due_ms = CASE WHEN task.holder IS NULL AND task.due_ms < excluded.due_ms THEN task.due_ms
        ELSE excluded.due_ms END;
    RETURN NEW;
END $$;
CREATE TRIGGER search_wished INSTEAD OF INSERT ON search_wish FOR EACH ROW EXECUTE FUNCTION search_wished();
CREATE FUNCTION tag_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.artifact_id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER tag_searched AFTER INSERT ON tag FOR EACH ROW EXECUTE FUNCTION tag_searched();
CREATE FUNCTION tag_moved_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.artifact_id * 8, 0 UNION SELECT NEW.artifact_id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER tag_moved_searched AFTER UPDATE OF artifact_id, pushed_ms ON tag FOR EACH ROW EXECUTE FUNCTION tag_moved_searched();
CREATE FUNCTION tag_left_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.artifact_id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER tag_left_searched AFTER DELETE ON tag FOR EACH ROW EXECUTE FUNCTION tag_left_searched();
CREATE FUNCTION artifact_described_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_described_searched AFTER UPDATE OF total_size, accessory_of ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_described_searched();
CREATE FUNCTION artifact_left_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER artifact_left_searched AFTER DELETE ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_left_searched();
CREATE FUNCTION labelled_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.artifact_id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER labelled_searched AFTER INSERT ON artifact_label FOR EACH ROW EXECUTE FUNCTION labelled_searched();
CREATE FUNCTION unlabelled_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT OLD.artifact_id * 8, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER unlabelled_searched AFTER DELETE ON artifact_label FOR EACH ROW EXECUTE FUNCTION unlabelled_searched();
CREATE FUNCTION label_named_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8 + 3, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER label_named_searched AFTER UPDATE OF name ON label FOR EACH ROW EXECUTE FUNCTION label_named_searched();
CREATE FUNCTION repository_said_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8 + 1, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER repository_said_searched AFTER UPDATE OF description, display_name ON repository FOR EACH ROW EXECUTE FUNCTION repository_said_searched();
CREATE FUNCTION repository_pulled_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.id * 8 + 4, 60000;
    RETURN NULL;
END $$;
CREATE TRIGGER repository_pulled_searched AFTER UPDATE OF pull_count ON repository FOR EACH ROW EXECUTE FUNCTION repository_pulled_searched();
CREATE FUNCTION model_read_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.document_id * 8 + 2, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER model_read_searched AFTER INSERT ON model FOR EACH ROW EXECUTE FUNCTION model_read_searched();
CREATE FUNCTION model_reread_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT NEW.document_id * 8 + 2, 0;
    RETURN NULL;
END $$;
CREATE TRIGGER model_reread_searched AFTER UPDATE ON model FOR EACH ROW EXECUTE FUNCTION model_reread_searched();
CREATE FUNCTION blob_joined_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT x.artifact_id * 8, 0 FROM artifact_blob x
        WHERE x.blob_id = NEW.blob_id AND x.repository_id = NEW.repository_id;
    RETURN NULL;
END $$;
CREATE TRIGGER blob_joined_searched AFTER INSERT ON repository_blob FOR EACH ROW EXECUTE FUNCTION blob_joined_searched();
CREATE FUNCTION blob_left_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT x.artifact_id * 8, 0 FROM artifact_blob x
        WHERE x.blob_id = OLD.blob_id AND x.repository_id = OLD.repository_id;
    RETURN NULL;
END $$;
CREATE TRIGGER blob_left_searched AFTER DELETE ON repository_blob FOR EACH ROW EXECUTE FUNCTION blob_left_searched();
CREATE FUNCTION blob_came_searched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO search_wish (subject, pause_ms) SELECT x.artifact_id * 8, 0 FROM artifact_blob x
        WHERE NEW.seq = 0 AND x.blob_id = NEW.blob_id AND NOT EXISTS (SELECT 1 FROM repository_blob h
        WHERE h.repository_id = x.repository_id AND h.blob_id = x.blob_id);
    RETURN NULL;
END $$;
CREATE TRIGGER blob_came_searched AFTER INSERT ON extent FOR EACH ROW EXECUTE FUNCTION blob_came_searched();
--@ both
