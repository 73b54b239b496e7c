-- SPDX-License-Identifier: Apache-2.0
--
-- Version 2: what the collector needs, and jobs.
--
-- Candidates are noted in the transaction that takes something away, so that a collection looks at what may have become
-- garbage and never at what is alive. A candidate is a hint: whether it is garbage is asked when it is collected.

-- Blobs that may have lost their last membership or their last manifest.
CREATE TABLE blob_candidate (
    blob_id @I64@ NOT NULL PRIMARY KEY REFERENCES blob (id) ON DELETE CASCADE
) @SORTED@;
INSERT INTO blob_candidate (blob_id)
    SELECT id FROM blob WHERE NOT EXISTS (SELECT 1 FROM repository_blob m WHERE m.blob_id = blob.id);

-- Objects that may have lost their last extent, or so many that they are worth rewriting.
CREATE TABLE object_candidate (
    object_id @I64@ NOT NULL PRIMARY KEY REFERENCES object (id) ON DELETE CASCADE
) @SORTED@;
INSERT INTO object_candidate (object_id)
    SELECT id FROM object WHERE NOT EXISTS (SELECT 1 FROM extent x WHERE x.object_id = object.id);

-- Objects whose row and file were removed, until it is known that the disk has forgotten the file, too.
CREATE TABLE object_gone (
    digest @TEXT@ NOT NULL PRIMARY KEY
) @SORTED@;

-- Artifacts without a tag, and since when.
CREATE TABLE untagged (
    artifact_id @I64@ NOT NULL PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE,
    since_ms    @I64@ NOT NULL
) @SORTED@;
INSERT INTO untagged (artifact_id, since_ms)
    SELECT id, pushed_ms FROM artifact WHERE NOT EXISTS (SELECT 1 FROM tag t WHERE t.artifact_id = artifact.id);

-- When another push than the one that sent it was last told that the repository has it: by an answer, by a mount, by
-- sending it again. While that is recent, a delete of the manifest that holds it leaves it to that push.
ALTER TABLE repository_blob ADD COLUMN asked_ms @I64@;
CREATE INDEX repository_blob_pending ON repository_blob (pending_ms) WHERE pending_ms IS NOT NULL;

-- What runs in the background, with what it left. args and result are JSON; cause: manual or schedule.
CREATE TABLE job (
    id         @ID@,
    kind       @TEXT@ NOT NULL,
    cause      @TEXT@ NOT NULL,
    args       @TEXT@ NOT NULL,
    state      @TEXT@ NOT NULL CHECK (state IN ('pending', 'running', 'success', 'error', 'stopped')),
    created_ms @I64@ NOT NULL,
    started_ms @I64@,
    beat_ms    @I64@,
    ended_ms   @I64@,
    result     @TEXT@,
    error      @TEXT@
) @ROWS@;
CREATE INDEX job_kind ON job (kind, id);
CREATE INDEX job_open ON job (kind, id) WHERE ended_ms IS NULL;

CREATE TABLE job_log (
    job_id @I64@ NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    seq    @I64@ NOT NULL,
    at_ms  @I64@ NOT NULL,
    line   @TEXT@ NOT NULL,
    PRIMARY KEY (job_id, seq)
) @SORTED@;

-- When a job is made by itself: six fields of cron.
CREATE TABLE schedule (
    kind    @TEXT@ NOT NULL PRIMARY KEY,
    cron    @TEXT@ NOT NULL,
    args    @TEXT@ NOT NULL,
    next_ms @I64@ NOT NULL
) @SORTED@;
