-- SPDX-License-Identifier: Apache-2.0
--
-- Version 5: what an artifact is, so that lists need not read manifests; numbers for tags.

-- described: the columns below are filled; rows of older versions are described after the start.
-- kind: IMAGE, CNAI, CHART …   config_type: media type of the configuration, empty for an index
-- total_size: manifest, configuration and layers, or the members of an index
-- annotations, attributes: JSON objects, the latter from the configuration
-- accessory: what it is of another artifact (signature.cosign …), subject: the digest of that one
ALTER TABLE artifact ADD COLUMN described @I64@ NOT NULL DEFAULT 0 CHECK (described IN (0, 1));
ALTER TABLE artifact ADD COLUMN kind @TEXT@ NOT NULL DEFAULT 'UNKNOWN';
ALTER TABLE artifact ADD COLUMN config_type @TEXT@ NOT NULL DEFAULT '';
ALTER TABLE artifact ADD COLUMN total_size @I64@ NOT NULL DEFAULT 0;
ALTER TABLE artifact ADD COLUMN annotations @TEXT@;
ALTER TABLE artifact ADD COLUMN attributes @TEXT@;
ALTER TABLE artifact ADD COLUMN accessory @TEXT@;
ALTER TABLE artifact ADD COLUMN accessory_of @TEXT@;
CREATE INDEX artifact_undescribed ON artifact (id) WHERE described = 0;
CREATE INDEX artifact_accessory ON artifact (repository_id, accessory_of, id) WHERE accessory_of IS NOT NULL;
CREATE INDEX artifact_pushed ON artifact (repository_id, pushed_ms, id);

-- What an index says of a member: JSON {"platform", "annotations"}.
ALTER TABLE artifact_child ADD COLUMN detail @TEXT@;

CREATE TABLE tag_numbered (
    id            @ID@,
    repository_id @I64@ NOT NULL REFERENCES repository (id),
    name          @TEXT@ NOT NULL,
    artifact_id   @I64@ NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    pushed_ms     @I64@ NOT NULL,
    pulled_ms     @I64@ NOT NULL DEFAULT 0,
    UNIQUE (repository_id, name)
) @ROWS@;
INSERT INTO tag_numbered (repository_id, name, artifact_id, pushed_ms, pulled_ms)
    SELECT repository_id, name, artifact_id, pushed_ms, pulled_ms FROM tag ORDER BY repository_id, name;
DROP TABLE tag;
ALTER TABLE tag_numbered RENAME TO tag;
CREATE INDEX tag_artifact ON tag (artifact_id, name);
