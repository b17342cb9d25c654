"""Statements on staged rows about the grants that they name: all of a file's in one pass.

A file's grants fall into a few kinds, which rows are judged alike by. The usual file needs no more
than to hear of them; only where a kind has a fault its rows are looked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from consent.grants import HeldGrant
from exchange.store.statement import Statement

# Each row under each of its identity tokens, in the order of the index.
_ASKED = """
SELECT line, index_1 AS token_index, grant_id FROM staged WHERE grant_id IS NOT NULL
UNION ALL
SELECT s.line, i.token_index, s.grant_id
FROM staged s, unnest(ARRAY[s.index_2, s.index_3]) AS i(token_index)
WHERE s.grant_id IS NOT NULL AND s.index_2 IS NOT NULL AND i.token_index IS NOT NULL
ORDER BY token_index
"""

# A day from now, no tolerance of the law's reaches: times further off are alike. OFFSET 0 keeps
# each a probe of the index: before a table has statistics, the planner would read all grants of
# the member.
_GRANT = """
SELECT purpose, state, level, cross_border,
    greatest(least(not_before, %(now)s::bigint + 86400), %(now)s::bigint - 86400) AS not_before,
    greatest(least(expires, %(now)s::bigint + 86400), %(now)s::bigint - 86400) AS expires
FROM grants
WHERE token_index = asked.token_index AND grantee = %(member)s AND grant_id = asked.grant_id
OFFSET 0
"""
_KIND = "purpose, state, level, cross_border, not_before, expires"

GRANT_KINDS = Statement(f"""
SELECT {_KIND} FROM ({_ASKED}) AS asked LEFT JOIN LATERAL ({_GRANT}) AS g ON true GROUP BY {_KIND}
""")  # noqa: S608 - all texts are constants of this module

# n = 0 puts the fault before those that the row has beside what is stored. A kind that nobody has
# judged is of a grant that changed since: what it was covers nothing any more, what it is nobody
# has looked at.
REFUSE_BY_GRANTS = Statement(f"""
WITH asked AS ({_ASKED}), found AS MATERIALIZED (
    SELECT asked.line, g.* FROM asked, LATERAL ({_GRANT}) AS g
), judged AS (
    SELECT * FROM unnest(%(purposes)s::text[], %(states)s::text[], %(levels)s::smallint[],
        %(cross_borders)s::boolean[], %(not_befores)s::bigint[], %(expiries)s::bigint[],
        %(codes)s::text[], %(stand)s::boolean[]) AS j({_KIND}, code, stands)
), refused AS (
    SELECT line, min(coalesce(code, %(missing)s::text)) AS code
    FROM found LEFT JOIN judged USING ({_KIND}) WHERE NOT coalesce(stands, false) GROUP BY line
    UNION ALL
    SELECT asked.line, min(CASE WHEN EXISTS (
            SELECT FROM grant_artefact a
            WHERE a.grantee = %(member)s AND a.grant_id = asked.grant_id)
        THEN %(stranger)s::text ELSE %(missing)s::text END)
    FROM asked WHERE NOT EXISTS (SELECT FROM found WHERE found.line = asked.line)
    GROUP BY asked.line
), marked AS (
    UPDATE staged s SET action = %(refuse)s, warned = false FROM refused r WHERE s.line = r.line
)
INSERT INTO staged_fault (line, n, field, code, severity)
SELECT line, 0, 'grant', code, 'REJECT' FROM refused
""")  # noqa: S608 - all texts are constants of this module


def columns_of(judged: Mapping[HeldGrant | None, str | None]) -> dict[str, list[object]]:
    """Return the kinds and their faults, if any, as the columns of a table."""
    kinds = [(grant, code) for grant, code in judged.items() if grant]
    return {
        "purposes": [grant.purpose for grant, _ in kinds],
        "states": [grant.state.value for grant, _ in kinds],
        "levels": [grant.level for grant, _ in kinds],
        "cross_borders": [grant.cross_border for grant, _ in kinds],
        "not_befores": [grant.not_before for grant, _ in kinds],
        "expiries": [grant.expires for grant, _ in kinds],
        "codes": [code for _, code in kinds],
        "stand": [code is None for _, code in kinds],
    }
