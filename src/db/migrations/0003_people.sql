-- SPDX-License-Identifier: Apache-2.0
--
-- Version 3: people, their groups, and what they are in a project.

ALTER TABLE user_account ADD COLUMN email @TEXT@ NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN realname @TEXT@ NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN comment @TEXT@ NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN updated_ms @I64@ NOT NULL DEFAULT 0;
UPDATE user_account SET updated_ms = created_ms;
CREATE UNIQUE INDEX user_account_email ON user_account (lower(email)) WHERE email <> '';

-- kind: where the group comes from (1 LDAP, 2 an authenticating proxy, 3 OIDC). A name is unique among those of a kind.
CREATE TABLE user_group (
    id         @ID@,
    name       @TEXT@ NOT NULL,
    kind       @I64@ NOT NULL CHECK (kind IN (1, 2, 3)),
    ldap_dn    @TEXT@ NOT NULL DEFAULT '',
    created_ms @I64@ NOT NULL,
    updated_ms @I64@ NOT NULL,
    UNIQUE (kind, name, ldap_dn)
) @ROWS@;

-- Which groups a user was in when they last signed in.
CREATE TABLE user_group_member (
    user_id  @I64@ NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    group_id @I64@ NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
) @SORTED@;
CREATE INDEX user_group_member_group ON user_group_member (group_id, user_id);

-- owner_id: who made the project; their account may be gone.
ALTER TABLE project ADD COLUMN owner_id @I64@ NOT NULL DEFAULT 0;
ALTER TABLE project ADD COLUMN updated_ms @I64@ NOT NULL DEFAULT 0;
UPDATE project SET updated_ms = created_ms;

-- What is said about a project beside whether it is public: name and value.
CREATE TABLE project_metadata (
    project_id @I64@ NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name       @TEXT@ NOT NULL,
    value      @TEXT@ NOT NULL,
    PRIMARY KEY (project_id, name)
) @SORTED@;

-- A user, or a group, in a project. role: 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest.
CREATE TABLE project_member (
    id         @ID@,
    project_id @I64@ NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id    @I64@ REFERENCES user_account (id) ON DELETE CASCADE,
    group_id   @I64@ REFERENCES user_group (id) ON DELETE CASCADE,
    role       @I64@ NOT NULL CHECK (role BETWEEN 1 AND 5),
    created_ms @I64@ NOT NULL,
    CHECK ((user_id IS NULL) <> (group_id IS NULL))
) @ROWS@;
CREATE UNIQUE INDEX project_member_user ON project_member (project_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX project_member_group ON project_member (project_id, group_id) WHERE group_id IS NOT NULL;
CREATE INDEX project_member_role ON project_member (project_id, role);
CREATE INDEX project_member_of_user ON project_member (user_id, project_id) WHERE user_id IS NOT NULL;
CREATE INDEX project_member_of_group ON project_member (group_id, project_id) WHERE group_id IS NOT NULL;
