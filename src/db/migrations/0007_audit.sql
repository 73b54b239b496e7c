-- SPDX-License-Identifier: Apache-2.0
--
-- Version 7: who did what. Nothing refers to what it tells of, which may be gone. project_id 0: about no project.

CREATE TABLE audit_log (
    id            @LASTING_ID@,
    event         @TEXT@ NOT NULL,
    operation     @TEXT@ NOT NULL,
    resource_type @TEXT@ NOT NULL,
    project_id    @I64@ NOT NULL,
    username      @TEXT@ NOT NULL,
    address       @TEXT@ NOT NULL,
    resource      @TEXT@ NOT NULL,
    description   @TEXT@ NOT NULL,
    succeeded     @I64@ NOT NULL,
    at_ms         @I64@ NOT NULL
) @ROWS@;
CREATE INDEX audit_log_time ON audit_log (at_ms, id);
CREATE INDEX audit_log_project ON audit_log (project_id, at_ms, id);
