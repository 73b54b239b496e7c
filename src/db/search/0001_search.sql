-- SPDX-License-Identifier: Apache-2.0
--
-- The database of the search: everything in it is made of the main database and can be made again. SQLite only, for ever:
-- its words are an FTS5 table. It is not migrated: what has another version (state) is made anew.

CREATE TABLE schema_version (
    version    @I64@ NOT NULL PRIMARY KEY,
    name       @TEXT@ NOT NULL,
    applied_ms @I64@ NOT NULL
) @SORTED@;

-- version: of what is derived and how; epoch: the start of the server that last wrote here; filled: artifacts of the main
-- database up to this number have been looked at, -1: all.
CREATE TABLE state (
    name  @TEXT@ NOT NULL PRIMARY KEY,
    value @I64@ NOT NULL
) @SORTED@;

-- A value of a facet. code: the number of the facet plus 16 times a number of its own. word: the value in lower case;
-- n: how many models have it.
CREATE TABLE value (
    code  @I64@ NOT NULL PRIMARY KEY,
    facet @I64@ NOT NULL,
    word  @TEXT@ NOT NULL,
    shown @TEXT@ NOT NULL,
    n     @I64@ NOT NULL DEFAULT 0,
    UNIQUE (facet, word)
) @ROWS@;
CREATE INDEX value_most ON value (facet, n DESC, code);

-- Which models have a value: a bit for each of 1024 artifacts. id: code * 2^24 + the number of the first artifact / 1024.
-- Code 0: all that are there.
CREATE TABLE bits (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;

-- What models are sorted and narrowed by: a number of 64 bits for each of 1024 artifacts. id: column * 2^24 + chunk.
CREATE TABLE cells (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;

-- The codes of a model: numbers of 32 bits.
CREATE TABLE codes (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;

-- What is shown of a model, as JSON. id: of its artifact.
CREATE TABLE entry (
    id            @I64@ NOT NULL PRIMARY KEY,
    repository_id @I64@ NOT NULL,
    name          @TEXT@ NOT NULL,
    shown         @TEXT@ NOT NULL
) @ROWS@;
CREATE INDEX entry_name ON entry (name, id);
CREATE INDEX entry_repository ON entry (repository_id, id);

-- Words of names and titles, and of all texts. Where in a text a word stands is not kept: that would make them slow.
CREATE VIRTUAL TABLE names USING fts5 (name, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3', detail = none);
CREATE VIRTUAL TABLE words USING fts5 (word, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3', detail = none);
