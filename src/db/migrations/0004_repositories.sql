-- SPDX-License-Identifier: Apache-2.0
--
-- Version 4: what is said of repositories, and when artifacts and tags were pulled.

ALTER TABLE repository ADD COLUMN description @TEXT@ NOT NULL DEFAULT '';
ALTER TABLE repository ADD COLUMN pull_count @I64@ NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN updated_ms @I64@ NOT NULL DEFAULT 0;
UPDATE repository SET updated_ms = created_ms;

-- 0: never.
ALTER TABLE artifact ADD COLUMN pulled_ms @I64@ NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN pulled_ms @I64@ NOT NULL DEFAULT 0;
