-- SPDX-License-Identifier: Apache-2.0
--
-- Version 16: what artifacts depend on.

-- A link. What a manifest or the card in it says is kept with the document, once for all artifacts that have it; what
-- people set is kept with the artifact. Both go with what they are kept with.
-- source: 1 a manifest says it (annotations), 2 what was read in the model (its card, its configuration), 3 by hand: set on
-- the artifact, or said by an artifact without files about the one that depends (oci/link_target.h).
-- target: as it was written; host, name, ref: the same taken apart. Which artifact that is is found out whenever somebody
-- asks, so that what is pushed later is found. name is empty where it can be none.
CREATE TABLE artifact_link (
    id          @LASTING_ID@,
    document_id @I64@ REFERENCES document (id) ON DELETE CASCADE,
    artifact_id @I64@ REFERENCES artifact (id) ON DELETE CASCADE,
    relation    @TEXT@ NOT NULL,
    source      @I64@ NOT NULL CHECK (source IN (1, 2, 3)),
    target      @TEXT@ NOT NULL,
    host        @TEXT@ NOT NULL,
    name        @TEXT@ NOT NULL,
    ref         @TEXT@ NOT NULL,
    created_ms  @I64@ NOT NULL,
    CHECK ((document_id IS NULL AND artifact_id IS NOT NULL AND source = 3)
        OR (document_id IS NOT NULL AND artifact_id IS NULL))
) @ROWS@;
CREATE INDEX artifact_link_document ON artifact_link (document_id, id) WHERE document_id IS NOT NULL;
CREATE UNIQUE INDEX artifact_link_artifact ON artifact_link (artifact_id, relation, target)
    WHERE artifact_id IS NOT NULL;
CREATE INDEX artifact_link_name ON artifact_link (name, id) WHERE name <> '';
