-- SPDX-License-Identifier: Apache-2.0
--
-- Version 8: accounts of programs. project_id NULL: of the system. creator_id: a user, or below zero a robot.
-- changed_ms: registry tokens that are older do not count any more. expires_ms 0: never.

CREATE TABLE robot (
    id           @LASTING_ID@,
    project_id   @I64@ REFERENCES project (id) ON DELETE CASCADE,
    name         @TEXT@ NOT NULL,
    description  @TEXT@ NOT NULL DEFAULT '',
    secret_hash  @TEXT@ NOT NULL,
    duration     @I64@ NOT NULL,
    expires_ms   @I64@ NOT NULL,
    disabled     @I64@ NOT NULL DEFAULT 0,
    creator_id   @I64@ NOT NULL,
    created_ms   @I64@ NOT NULL,
    updated_ms   @I64@ NOT NULL,
    changed_ms   @I64@ NOT NULL
) @ROWS@;
CREATE UNIQUE INDEX robot_system ON robot (name) WHERE project_id IS NULL;
CREATE UNIQUE INDEX robot_project ON robot (project_id, name) WHERE project_id IS NOT NULL;

-- What a robot may do: in one project, in every project (project_id 0), or (kind 1) in the system. permission: "resource:action".
CREATE TABLE robot_permission (
    robot_id   @I64@ NOT NULL REFERENCES robot (id) ON DELETE CASCADE,
    kind       @I64@ NOT NULL CHECK (kind IN (1, 2)),
    project_id @I64@ NOT NULL,
    permission @TEXT@ NOT NULL,
    PRIMARY KEY (robot_id, kind, project_id, permission)
) @SORTED@;
CREATE INDEX robot_permission_project ON robot_permission (project_id, robot_id);
