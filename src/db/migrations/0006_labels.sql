-- SPDX-License-Identifier: Apache-2.0
--
-- Version 6: labels, of the whole system (project_id NULL) or of one project, on artifacts.

CREATE TABLE label (
    id          @ID@,
    project_id  @I64@ REFERENCES project (id) ON DELETE CASCADE,
    name        @TEXT@ NOT NULL,
    description @TEXT@ NOT NULL DEFAULT '',
    color       @TEXT@ NOT NULL DEFAULT '',
    created_ms  @I64@ NOT NULL,
    updated_ms  @I64@ NOT NULL
) @ROWS@;
CREATE UNIQUE INDEX label_system ON label (name) WHERE project_id IS NULL;
CREATE UNIQUE INDEX label_project ON label (project_id, name) WHERE project_id IS NOT NULL;

CREATE TABLE artifact_label (
    artifact_id @I64@ NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    label_id    @I64@ NOT NULL REFERENCES label (id) ON DELETE CASCADE,
    PRIMARY KEY (artifact_id, label_id)
) @SORTED@;
CREATE INDEX artifact_label_label ON artifact_label (label_id, artifact_id);
