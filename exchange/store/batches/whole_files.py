"""Statements on staged rows about what only the whole file shows."""

from __future__ import annotations

from exchange.store.statement import Statement

WARN = Statement("""
WITH warned AS (
    UPDATE staged SET warned = true WHERE line = %(line)s AND action <> %(refuse)s
)
INSERT INTO staged_fault (line, n, field, code, severity)
VALUES (%(line)s, 0, %(field)s, %(code)s, %(severity)s)
""")

# Only a new account can make them too many, so only those are counted, less what the file closes;
# and of a member's first file nothing is looked up. IS TRUE keeps a look-up by hash what a join,
# which is planned without statistics, would make of all rows for each crowded subject; usually
# there is none, and no row is looked at again.
WARN_CROWDED = Statement("""
WITH told AS NOT MATERIALIZED (
    SELECT line, index_1 AS token_index, open FROM staged
    WHERE action = %(store)s AND (version = 1) = open
    UNION ALL
    SELECT s.line, i.token_index, s.open FROM staged s, unnest(ARRAY[s.index_2, s.index_3])
        AS i(token_index)
    WHERE s.action = %(store)s AND (s.version = 1) = s.open AND s.index_2 IS NOT NULL
        AND i.token_index IS NOT NULL
), counted AS (
    SELECT token_index, count(*) FILTER (WHERE open) - count(*) FILTER (WHERE NOT open) AS more
    FROM told GROUP BY token_index HAVING bool_or(open)
), crowded AS MATERIALIZED (
    SELECT c.token_index FROM counted c WHERE %(live_max)s < c.more + CASE
        WHEN (SELECT EXISTS (SELECT FROM account WHERE member_id = %(member)s)) THEN (
            SELECT count(*) FROM record r WHERE r.token_index = c.token_index
                AND r.member_id = %(member)s AND r.current AND r.open AND NOT r.suppressed)
        ELSE 0 END
), hit AS (
    SELECT DISTINCT line FROM told WHERE open AND (SELECT EXISTS (SELECT FROM crowded))
        AND (token_index IN (SELECT token_index FROM crowded)) IS TRUE
), warned AS (
    UPDATE staged s SET warned = true FROM hit WHERE s.line = hit.line
)
INSERT INTO staged_fault (line, n, field, code, severity)
SELECT line, 0, 'tokens', 'plaus.token_on_many_accounts', 'WARN' FROM hit
""")
