-- SPDX-License-Identifier: Apache-2.0
--
-- Version 1: projects, repositories, artifacts, tags, blobs as extents, users, settings.
--
-- One text for both engines; tools/embed-sql replaces the words in @…@:
--   @LASTING_ID@  an integer key that the database counts; the number of what was removed is never given again
--   @ID@      the same, up to version 18; version 19 made all of them lasting
--   @I64@     a whole number of 64 bits       (times: UTC milliseconds; truth values: 0 and 1)
--   @TEXT@    text that compares byte by byte (lists are paged in that order)
--   @BYTES@   bytes
--   @ROWS@    end of a table that is found by its id
--   @SORTED@  end of a table that is kept in the order of its primary key
-- Lines between "--@ sqlite", "--@ postgres" and "--@ both" are for that engine alone.
-- A released migration is never edited.

CREATE TABLE schema_version (
    version    @I64@ NOT NULL PRIMARY KEY,
    name       @TEXT@ NOT NULL,
    applied_ms @I64@ NOT NULL
) @SORTED@;

-- What the server keeps about itself (keys, values changed at run time).
CREATE TABLE setting (
    name  @TEXT@ NOT NULL PRIMARY KEY,
    value @TEXT@ NOT NULL
) @SORTED@;

CREATE TABLE user_account (
    id                  @LASTING_ID@,
    username            @TEXT@ NOT NULL UNIQUE,
    password_hash       @TEXT@ NOT NULL,
    is_admin            @I64@ NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
    created_ms          @I64@ NOT NULL,
    password_changed_ms @I64@ NOT NULL
) @ROWS@;

-- name: the first component of OCI names, lower case. display_name keeps the case it was made with and is
-- unique when case is ignored.
CREATE TABLE project (
    id           @LASTING_ID@,
    name         @TEXT@ NOT NULL UNIQUE,
    display_name @TEXT@ NOT NULL,
    is_public    @I64@ NOT NULL CHECK (is_public IN (0, 1)),
    created_ms   @I64@ NOT NULL
) @ROWS@;
CREATE UNIQUE INDEX project_display ON project (lower(display_name));

-- name: the full OCI name, "project/repository".
CREATE TABLE repository (
    id           @ID@,
    project_id   @I64@ NOT NULL REFERENCES project (id),
    name         @TEXT@ NOT NULL UNIQUE,
    display_name @TEXT@ NOT NULL,
    created_ms   @I64@ NOT NULL
) @ROWS@;
CREATE INDEX repository_project ON repository (project_id, name);
CREATE UNIQUE INDEX repository_display ON repository (lower(display_name));

-- Bytes in the store, named by their SHA-256.
CREATE TABLE object (
    id     @ID@,
    digest @TEXT@ NOT NULL UNIQUE,
    size   @I64@ NOT NULL CHECK (size >= 0)
) @ROWS@;

-- A digest that is known: its bytes are here exactly if it has extents. A row without extents (size 0) is one that a
-- manifest names and nobody has sent: foreign layers, sparse content.
CREATE TABLE blob (
    id         @ID@,
    digest     @TEXT@ NOT NULL UNIQUE,
    size       @I64@ NOT NULL CHECK (size >= 0),
    created_ms @I64@ NOT NULL
) @ROWS@;

-- What a blob is made of, in order: a literal of a few bytes, or len bytes of an object from start on.
CREATE TABLE extent (
    blob_id   @I64@ NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
    seq       @I64@ NOT NULL,
    object_id @I64@ REFERENCES object (id),
    literal   @BYTES@,
    start     @I64@ NOT NULL CHECK (start >= 0),
    len       @I64@ NOT NULL CHECK (len >= 0),
    PRIMARY KEY (blob_id, seq),
    CHECK ((object_id IS NULL AND literal IS NOT NULL AND start = 0)
        OR (object_id IS NOT NULL AND literal IS NULL))
) @SORTED@;
CREATE INDEX extent_object ON extent (object_id) WHERE object_id IS NOT NULL;

-- Membership: what a repository may serve. pending_ms: when the bytes were last sent or mounted, until a manifest of
-- the repository names them; with it a delete of another manifest leaves them to the push that is under way.
CREATE TABLE repository_blob (
    repository_id @I64@ NOT NULL REFERENCES repository (id),
    blob_id       @I64@ NOT NULL REFERENCES blob (id),
    created_ms    @I64@ NOT NULL,
    pending_ms    @I64@,
    PRIMARY KEY (repository_id, blob_id)
) @SORTED@;
CREATE INDEX repository_blob_blob ON repository_blob (blob_id, repository_id);

-- The bytes of manifests, once for all artifacts that have them; digest is their SHA-256.
CREATE TABLE document (
    id     @ID@,
    digest @TEXT@ NOT NULL UNIQUE,
    bytes  @BYTES@ NOT NULL
) @ROWS@;

-- One manifest in one repository under the digest it was pushed by: the same bytes pushed as sha256 and as sha512
-- are two artifacts of one document. descriptor: what the list of referrers shows of it, ready as JSON
-- (artifacts with a subject only).
CREATE TABLE artifact (
    id             @ID@,
    repository_id  @I64@ NOT NULL REFERENCES repository (id),
    document_id    @I64@ NOT NULL REFERENCES document (id),
    digest         @TEXT@ NOT NULL,
    media_type     @TEXT@ NOT NULL,
    artifact_type  @TEXT@ NOT NULL,
    size           @I64@ NOT NULL,
    pushed_ms      @I64@ NOT NULL,
    subject_digest @TEXT@,
    descriptor     @TEXT@,
    UNIQUE (repository_id, digest),
    CHECK ((subject_digest IS NULL) = (descriptor IS NULL))
) @ROWS@;
CREATE INDEX artifact_document ON artifact (document_id);
CREATE INDEX artifact_subject ON artifact (repository_id, subject_digest, digest)
    WHERE subject_digest IS NOT NULL;

-- The blobs that a manifest names: its configuration and layers, and members of an index that are not manifests.
-- repository_id is the artifact's: "who else in this repository holds it" is one seek, however many hold it elsewhere.
CREATE TABLE artifact_blob (
    artifact_id   @I64@ NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    blob_id       @I64@ NOT NULL REFERENCES blob (id),
    repository_id @I64@ NOT NULL,
    PRIMARY KEY (artifact_id, blob_id)
) @SORTED@;
CREATE INDEX artifact_blob_blob ON artifact_blob (blob_id, repository_id, artifact_id);

-- The members of an index, by digest: they may come after it and go before it.
CREATE TABLE artifact_child (
    artifact_id   @I64@ NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    digest        @TEXT@ NOT NULL,
    repository_id @I64@ NOT NULL,
    PRIMARY KEY (artifact_id, digest)
) @SORTED@;
CREATE INDEX artifact_child_digest ON artifact_child (repository_id, digest);

CREATE TABLE tag (
    repository_id @I64@ NOT NULL REFERENCES repository (id),
    name          @TEXT@ NOT NULL,
    artifact_id   @I64@ NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    pushed_ms     @I64@ NOT NULL,
    PRIMARY KEY (repository_id, name)
) @SORTED@;
CREATE INDEX tag_artifact ON tag (artifact_id);
