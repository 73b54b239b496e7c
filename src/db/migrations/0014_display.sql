-- SPDX-License-Identifier: Apache-2.0
--
-- Version 14: repositories have display ids (oci/display.h). Those that are there get the letter case of their project; where a
-- name holds escapes, it stays its own display id, as nobody has given another.

UPDATE repository SET display_name =
    (SELECT p.display_name || substr(repository.name, CAST(length(p.name) + 1 AS INTEGER))
     FROM project p WHERE p.id = repository.project_id)
    WHERE project_id IN (SELECT p.id FROM project p WHERE p.display_name <> p.name AND lower(p.display_name) = p.name)
    AND NOT EXISTS (SELECT 1 FROM repository o WHERE lower(o.display_name) = repository.name AND o.id <> repository.id);
