"""The text of the statements about watches."""

from __future__ import annotations

from exchange.store.statement import Statement

_COLUMNS = """member_id, watch_id, account_ref, purpose, grant_id, kinds, digest, made_at,
    expires_at, look_at, ended_at, ended_cause, tokens, kek_id, wrapped, sealed"""
_THIS = "member_id = %(member)s AND watch_id = %(watch_id)s"
_SELECT = f"SELECT {_COLUMNS} FROM watch WHERE "  # noqa: S608 - composed of constants alone

FIND = Statement(_SELECT + _THIS)
HOLD = Statement(_SELECT + _THIS + " FOR UPDATE")
TAKE = Statement(
    _SELECT + _THIS + " AND ended_at IS NULL AND look_at <= %(now)s::bigint FOR UPDATE SKIP LOCKED"
)
LIST = Statement(
    _SELECT
    + "member_id = %(member)s AND watch_id > %(after)s::uuid ORDER BY watch_id LIMIT %(rows)s::int"
)
ADD = Statement(f"""
INSERT INTO watch ({_COLUMNS})
VALUES (%(member)s, %(watch_id)s, %(account_ref)s, %(purpose)s, %(grant_id)s, %(kinds)s,
    %(digest)s, %(made_at)s, %(expires_at)s, %(look_at)s, %(ended_at)s, %(ended_cause)s,
    %(tokens)s, %(kek_id)s, %(wrapped)s, %(sealed)s)
""")  # noqa: S608 - composed of constants alone
KEEP = Statement(f"""
UPDATE watch SET grant_id = %(grant_id)s, expires_at = %(expires_at)s, look_at = %(look_at)s,
    ended_at = %(ended_at)s, ended_cause = %(ended_cause)s, tokens = %(tokens)s,
    kek_id = %(kek_id)s, wrapped = %(wrapped)s, sealed = %(sealed)s
WHERE {_THIS}
""")  # noqa: S608 - composed of constants alone
DROP_TOKENS = Statement(f"DELETE FROM watch_token WHERE {_THIS}")  # noqa: S608 - the same
ADD_TOKENS = Statement("""
INSERT INTO watch_token (token_index, member_id, watch_id, subject)
SELECT index, %(member)s::text, %(watch_id)s::uuid, subject
FROM unnest(%(indices)s::bytea[], %(subjects)s::text[]) AS t(index, subject)
""")

# The row lock makes the count exact; it is the last lock but those of the rows added.
COUNT_IN = Statement("""
INSERT INTO watch_count AS c (member_id, live) VALUES (%(member)s, 1)
ON CONFLICT (member_id) DO UPDATE SET live = c.live + 1 WHERE c.live < %(live_max)s::int
""")
COUNT_OUT = Statement("UPDATE watch_count SET live = live - 1 WHERE member_id = %(member)s")

ACCOUNT = Statement("""
SELECT array_agg(r.token_index ORDER BY r.token_index <> a.token_index, r.token_index)
FROM account a JOIN record r ON r.record_id = a.record_id AND r.version = a.version
WHERE a.member_id = %(member)s AND a.account_ref = %(account_ref)s AND r.open AND NOT r.suppressed
GROUP BY a.record_id
""")
# As the gate counts: see store/gate/one.py.
VELOCITY = Statement("""
SELECT count(DISTINCT member_id) FILTER (WHERE asked_at > %(now)s::bigint - 7 * 86400),
    count(DISTINCT member_id) FILTER (WHERE asked_at > %(now)s::bigint - 30 * 86400),
    count(DISTINCT member_id)
FROM inquiry
WHERE token_index = ANY (%(indices)s::bytea[]) AND member_id <> %(member)s
    AND asked_at > %(now)s::bigint - 90 * 86400 AND asked_at <= %(now)s::bigint
""")
EARNED = Statement("""
SELECT earned FROM reciprocity WHERE member_id = %(member)s AND effective_at <= %(now)s
ORDER BY effective_at DESC LIMIT 1
""")
# Of one chain, under the subject's token: a renewed grant carries its watches on.
SUCCESSOR = Statement("""
SELECT g.grant_id
FROM grant_artefact o
    JOIN grants g ON g.token_index = o.token_index AND g.grantee = o.grantee
    JOIN grant_artefact a ON a.grantee = g.grantee AND a.grant_id = g.grant_id
WHERE o.grantee = %(member)s AND o.grant_id = %(grant_id)s AND g.state = 'ACTIVE'
    AND coalesce(a.chain_id, a.grant_id) = coalesce(o.chain_id, o.grant_id)
ORDER BY a.registered_at DESC LIMIT 1
""")

ANY_WATCHED = Statement("SELECT EXISTS (SELECT FROM watch_token)")
# What its member says of an account of its own is no news to it, but for the end.
TOUCH_STAGED = Statement("""
INSERT INTO watch_touch (token_index)
SELECT DISTINCT t.token_index
FROM (
    SELECT index_1, open FROM staged WHERE action = %(store)s
    UNION ALL
    SELECT index_2, open FROM staged WHERE action = %(store)s AND index_2 IS NOT NULL
    UNION ALL
    SELECT index_3, open FROM staged WHERE action = %(store)s AND index_3 IS NOT NULL
) AS s (token_index, open) JOIN watch_token t USING (token_index)
WHERE t.member_id <> %(member)s OR NOT s.open
""")

BEGIN_MARKING = Statement("SELECT pg_try_advisory_xact_lock(hashtextextended('watches', 0))")
MARK_TOUCHED = Statement("""
WITH oldest AS (
    SELECT token_index, ord FROM watch_touch ORDER BY token_index, ord
    LIMIT %(touches_max)s::int
), taken AS (
    DELETE FROM watch_touch d USING oldest
    WHERE d.token_index = oldest.token_index AND d.ord = oldest.ord RETURNING d.token_index
), marked AS (
    UPDATE watch w SET look_at = 0 FROM watch_token t
    WHERE t.token_index IN (SELECT token_index FROM taken)
        AND w.member_id = t.member_id AND w.watch_id = t.watch_id AND w.ended_at IS NULL
)
SELECT count(*) FROM taken
""")
# Where nobody watches anybody, the log is not read; who watches later looks for itself first.
SKIP = Statement("""
WITH nobody AS (
    SELECT WHERE NOT EXISTS (SELECT FROM watch_token)
)
INSERT INTO watch_reader AS r (log_id, next_index)
SELECT s.log_id, s.size FROM nobody, log_state s LEFT JOIN watch_reader k USING (log_id)
WHERE s.size > coalesce(k.next_index, 0)
ON CONFLICT (log_id) DO UPDATE SET next_index = excluded.next_index
""")
UNREAD = Statement("""
SELECT s.log_id, coalesce(r.next_index, 0), s.size
FROM log_state s LEFT JOIN watch_reader r USING (log_id)
WHERE s.size > coalesce(r.next_index, 0) ORDER BY s.log_id
""")
# What may alter a finding of others, or whether one may look: records sent alone, disputes, looks
# that count in velocity, and all that happens to a grant.
MARK_LOGGED = Statement("""
UPDATE watch w SET look_at = 0
FROM (
    SELECT DISTINCT t.member_id, t.watch_id
    FROM leaf_place p JOIN leaf f USING (ord) JOIN log_search s USING (leaf_hash)
        JOIN watch_token t ON t.subject = s.subject
    WHERE p.log_id = %(log_id)s AND p.leaf_index >= %(first)s AND p.leaf_index < %(end)s
        AND (s.kind IN ('record', 'dispute', 'grant')
            OR s.kind = 'query' AND s.outcome <> 'WITHHELD'
                AND s.purpose = ANY(%(new_credit)s::text[]))
) AS told
WHERE w.member_id = told.member_id AND w.watch_id = told.watch_id AND w.ended_at IS NULL
""")
READ_ON = Statement("""
INSERT INTO watch_reader (log_id, next_index) VALUES (%(log_id)s, %(end)s)
ON CONFLICT (log_id) DO UPDATE SET next_index = excluded.next_index
""")
DUE = Statement("""
SELECT member_id, watch_id FROM watch
WHERE ended_at IS NULL AND look_at <= %(now)s ORDER BY look_at LIMIT %(rows)s::int
""")
FORGET = Statement("DELETE FROM watch WHERE ended_at < %(ended_before)s")
