-- SPDX-License-Identifier: Apache-2.0
--
-- Version 11: sessions of browsers, and personal access tokens. hash: SHA-256 of the secret, in hexadecimal digits; the
-- secrets are random and are kept nowhere.

-- used_ms: not finer than a minute. A session that is older than its user's password does not count any more.
CREATE TABLE session (
    id         @LASTING_ID@,
    user_id    @I64@ NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    hash       @TEXT@ NOT NULL UNIQUE,
    address    @TEXT@ NOT NULL,
    agent      @TEXT@ NOT NULL,
    created_ms @I64@ NOT NULL,
    used_ms    @I64@ NOT NULL
) @ROWS@;
CREATE INDEX session_of_user ON session (user_id, used_ms);
CREATE INDEX session_used ON session (used_ms);

-- scope: 1 read, 2 write, 3 all. expires_ms 0: never. used_ms 0: never; not finer than a minute.
CREATE TABLE personal_token (
    id         @LASTING_ID@,
    user_id    @I64@ NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    name       @TEXT@ NOT NULL,
    scope      @I64@ NOT NULL CHECK (scope BETWEEN 1 AND 3),
    hash       @TEXT@ NOT NULL UNIQUE,
    expires_ms @I64@ NOT NULL,
    created_ms @I64@ NOT NULL,
    used_ms    @I64@ NOT NULL DEFAULT 0,
    UNIQUE (user_id, name)
) @ROWS@;
