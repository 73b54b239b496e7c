-- SPDX-License-Identifier: Apache-2.0
--
-- The database of the search: everything in it is made of the main database and can be made again. SQLite only, for ever:
-- its words are those of FTS5. It is not migrated: what has another version (state) is made anew.

CREATE TABLE schema_version (
    version    @I64@ NOT NULL PRIMARY KEY,
    name       @TEXT@ NOT NULL,
    applied_ms @I64@ NOT NULL
) @SORTED@;

-- version: of what is derived and how; epoch: the start of the server that last wrote here; filled: artifacts of the main
-- database up to this number have been looked at, -1: all; terms: the last number of a term.
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

-- A word that models have, or the beginning of words (a byte 1, and its one to three characters). As long as few models
-- have it, they are in its own row: list, number 0. Then it has a number, and they are in bits.
CREATE TABLE term (
    text   @BYTES@ NOT NULL PRIMARY KEY,
    number @I64@ NOT NULL,
    list   @BYTES@ NOT NULL
) @SORTED@;

-- Which models have a value or a term, for 16,128 artifacts: a bit for each, or, of few, their numbers in 16 bits. id:
-- code * 2^24 + the number of the first artifact / 16128. Codes: 0 all that are there; those of values; 16 times the number
-- of a term, plus 13 if it is in any text, plus 14 if it is in the name.
CREATE TABLE bits (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;

-- What models are sorted and narrowed by: a number for each of 1024 artifacts, as what it is more than the least of them. id:
-- column * 2^24 + chunk.
CREATE TABLE cells (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;

-- The values of 1024 models: the codes that any of them has, and for each model which of those. id: chunk.
CREATE TABLE codes (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;

-- Names of repositories. The larger the label, the later the name; between labels is room for others. n: models of it.
CREATE TABLE place (
    id    @I64@ NOT NULL PRIMARY KEY,
    name  @TEXT@ NOT NULL UNIQUE,
    label @I64@ NOT NULL,
    n     @I64@ NOT NULL DEFAULT 0
) @ROWS@;
CREATE INDEX place_label ON place (label);

-- What is shown of a model, as JSON. id: of its artifact.
CREATE TABLE entry (
    id            @I64@ NOT NULL PRIMARY KEY,
    repository_id @I64@ NOT NULL,
    place_id      @I64@ NOT NULL,
    shown         @TEXT@ NOT NULL
) @ROWS@;
CREATE INDEX entry_repository ON entry (repository_id, id);
CREATE INDEX entry_place ON entry (place_id, id);

-- The words of a model, each once, in order: its length, plus 128 if it is in the name, and its bytes.
CREATE TABLE words (
    id    @I64@ NOT NULL PRIMARY KEY,
    bytes @BYTES@ NOT NULL
) @ROWS@;
