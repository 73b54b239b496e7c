-- SPDX-License-Identifier: Apache-2.0
--
-- Version 12: pictures of artifacts; queues of jobs that rest; schedules with a number and a time of change.

-- The digest of the layer that is the icon of an artifact. What names one is described again after the start.
ALTER TABLE artifact ADD COLUMN icon @TEXT@;
CREATE INDEX artifact_icon ON artifact (icon) WHERE icon IS NOT NULL;
--@ sqlite
UPDATE artifact SET described = 0 WHERE document_id IN
    (SELECT id FROM document WHERE instr(bytes, CAST('io.goharbor.artifact.v1alpha1.icon' AS BLOB)) > 0);
--@ postgres
UPDATE artifact SET described = 0 WHERE document_id IN
    (SELECT id FROM document WHERE position('io.goharbor.artifact.v1alpha1.icon'::bytea IN bytes) > 0);
--@ both

-- Kinds of jobs of which none begins for now.
CREATE TABLE job_pause (
    kind     @TEXT@ NOT NULL PRIMARY KEY,
    since_ms @I64@ NOT NULL
) @SORTED@;

CREATE TABLE schedule_numbered (
    id         @LASTING_ID@,
    kind       @TEXT@ NOT NULL UNIQUE,
    cron       @TEXT@ NOT NULL,
    args       @TEXT@ NOT NULL,
    next_ms    @I64@ NOT NULL,
    updated_ms @I64@ NOT NULL DEFAULT 0
) @ROWS@;
INSERT INTO schedule_numbered (kind, cron, args, next_ms) SELECT kind, cron, args, next_ms FROM schedule ORDER BY kind;
DROP TABLE schedule;
ALTER TABLE schedule_numbered RENAME TO schedule;
