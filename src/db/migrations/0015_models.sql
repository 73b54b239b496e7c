-- SPDX-License-Identifier: Apache-2.0
--
-- Version 15: work that follows from what happened, and what was read in models.

-- Work that follows from an event: written in the transaction of the change, removed in the one that writes what came
-- of it. Who takes one moves due_ms to when it may be taken again: a process that dies costs that time and nothing
-- else. failed 1: it was tried often enough and waits for somebody to ask again.
CREATE TABLE task (
    id         @LASTING_ID@,
    kind       @TEXT@ NOT NULL,
    subject    @I64@ NOT NULL,
    attempts   @I64@ NOT NULL DEFAULT 0,
    due_ms     @I64@ NOT NULL,
    created_ms @I64@ NOT NULL,
    failed     @I64@ NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
    holder     @TEXT@,
    error      @TEXT@,
    UNIQUE (kind, subject)
) @ROWS@;
CREATE INDEX task_due ON task (kind, failed, due_ms, id);

-- What was read in the artifact of a manifest. version: of the reader; facts: JSON, compressed; summary: the same JSON
-- without files and warnings, for lists of many.
CREATE TABLE model (
    document_id @I64@ NOT NULL PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
    version     @I64@ NOT NULL,
    read_ms     @I64@ NOT NULL,
    facts       @BYTES@ NOT NULL,
    summary     @TEXT@ NOT NULL
) @ROWS@;
CREATE INDEX model_version ON model (version);

-- What was read in a file of a model, once for all artifacts that hold its blob: start is where the file begins in the
-- (unpacked) blob. kind: 1 the header of weights with its tensors, 2 a text of a compressed layer. Compressed.
CREATE TABLE model_part (
    blob_id @I64@ NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
    kind    @I64@ NOT NULL CHECK (kind IN (1, 2)),
    start   @I64@ NOT NULL,
    bytes   @BYTES@ NOT NULL,
    PRIMARY KEY (blob_id, kind, start)
) @ROWS@;
