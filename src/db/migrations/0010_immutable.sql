-- SPDX-License-Identifier: Apache-2.0
--
-- Version 10: rules for tags that cannot be moved or deleted. tags, repositories: selectors as JSON.

CREATE TABLE immutable_rule (
    id           @LASTING_ID@,
    project_id   @I64@ NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    priority     @I64@ NOT NULL,
    disabled     @I64@ NOT NULL,
    tags         @TEXT@ NOT NULL,
    repositories @TEXT@ NOT NULL,
    UNIQUE (project_id, tags, repositories)
) @ROWS@;
