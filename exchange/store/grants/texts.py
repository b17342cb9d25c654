"""The statements about grants, as text: rows that uses are judged by, artefacts, history."""

from __future__ import annotations

from exchange.store.statement import Statement

REGISTER = Statement("""
WITH kept AS (
    INSERT INTO grant_artefact (grantee, grant_id, token_index, artefact, digest, kid, policy,
        registered_at, leaf_hash, chain_id)
    VALUES (%(grantee)s, %(grant_id)s, %(token_index)s, %(artefact)s, %(digest)s, %(kid)s,
        %(policy)s, %(now)s, %(leaf_hash)s, %(chain_id)s)
), bound AS (
    INSERT INTO grant_binding (grantee, grant_id, epoch, token_index, bound_at)
    VALUES (%(grantee)s, %(grant_id)s, %(epoch)s, %(token_index)s, %(now)s)
)
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months)
VALUES (%(token_index)s, %(grantee)s, %(grant_id)s, %(epoch)s, %(purpose)s, %(state)s, %(level)s,
    %(cross_border)s, %(not_before)s, %(expires)s, 0, %(max_uses)s, 0, 0, %(window_max)s,
    %(window_seconds)s, %(detail)s, %(fields)s, %(lookback_months)s)
""")

FIND = Statement("""
SELECT a.grant_id, g.token_index, g.epoch, a.artefact, a.digest, a.policy, a.registered_at,
    a.leaf_hash, g.purpose, g.state, g.level, g.cross_border, g.not_before, g.expires, g.uses,
    g.max_uses, g.window_start, g.window_uses, g.window_max, g.window_seconds, g.detail, g.fields,
    g.lookback_months, coalesce(a.chain_id, a.grant_id), e.event_id, e.event, e.actor,
    s.list_id, s.idx
FROM grant_artefact a
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id
JOIN LATERAL (
    SELECT h.event_id, h.event, h.actor FROM grant_event h
    WHERE h.grantee = a.grantee AND h.grant_id = a.grant_id
        AND h.event NOT IN ('rebind', 'ask_evidence', 'show_evidence', 'confirm_stop')
    ORDER BY h.event_id DESC LIMIT 1) e ON true
LEFT JOIN grant_status s ON s.grantee = a.grantee AND s.grant_id = a.grant_id
WHERE a.grantee = %(grantee)s AND a.grant_id = %(grant_id)s
""")
# A rebinding moves the row that uses lock. Whoever changes a grant locks the artefact's row first,
# and finds where the other stands in a statement that sees what it waited for.
LOCK = Statement("""
SELECT a.token_index FROM grant_artefact a
WHERE a.grantee = %(grantee)s AND a.grant_id = %(grant_id)s FOR UPDATE
""")
LOCK_USES = Statement("""
SELECT 1 FROM grants g
WHERE g.token_index = %(token_index)s AND g.grantee = %(grantee)s AND g.grant_id = %(grant_id)s
FOR UPDATE
""")

MOVE = Statement("""
UPDATE grants SET state = %(state)s, expires = %(expires)s
WHERE token_index = %(token_index)s AND grantee = %(grantee)s AND grant_id = %(grant_id)s
""")

BINDINGS = Statement("""
SELECT epoch, token_index FROM grant_binding
WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s ORDER BY bound_at, epoch
""")

# The counters go with the row: a use is a use in whichever epoch.
REBIND = Statement("""
WITH bound AS (
    INSERT INTO grant_binding (grantee, grant_id, epoch, token_index, bound_at)
    VALUES (%(grantee)s, %(grant_id)s, %(epoch)s, %(token_index)s, %(now)s)
), pointed AS (
    UPDATE grant_artefact SET token_index = %(token_index)s
    WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s
), gone AS (
    DELETE FROM grants
    WHERE token_index = %(old_index)s AND grantee = %(grantee)s AND grant_id = %(grant_id)s
    RETURNING *
)
INSERT INTO grants (token_index, grantee, grant_id, epoch, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months)
SELECT %(token_index)s, grantee, grant_id, %(epoch)s, purpose, state, level, cross_border,
    not_before, expires, uses, max_uses, window_start, window_uses, window_max, window_seconds,
    detail, fields, lookback_months
FROM gone
""")

ADD_EVENT = Statement("""
INSERT INTO grant_event (event_id, grantee, grant_id, event, actor, state, reason, acted_at,
    effective_at, leaf_hash)
VALUES (%(event_id)s, %(grantee)s, %(grant_id)s, %(event)s, %(actor)s, %(state)s, %(reason)s,
    %(acted_at)s, %(effective_at)s, %(leaf_hash)s)
""")

EVENTS = Statement("""
SELECT event_id, grantee, grant_id, event, actor, state, reason, acted_at, effective_at, leaf_hash
FROM grant_event WHERE grantee = %(grantee)s AND grant_id = %(grant_id)s ORDER BY event_id
""")

LOOKS = Statement("""
SELECT l.origin, s.leaf_hash, o.key_id, k.kek_id, k.wrapped, o.audit
FROM log_search s
JOIN leaf f ON f.leaf_hash = s.leaf_hash
JOIN log l ON l.log_id = f.log_id
JOIN opening o ON o.leaf_hash = s.leaf_hash
JOIN opening_key k ON k.key_id = o.key_id
WHERE s.subject = ANY (%(subjects)s::text[]) AND s.subject <> ''
    AND s.member_id = %(grantee)s AND s.kind = 'query' AND s.outcome <> 'WITHHELD'
ORDER BY s.t, s.leaf_hash
""")

REGISTRATION = Statement("""
SELECT l.origin, f.leaf_hash, o.key_id, coalesce(k.kek_id, ''), coalesce(k.wrapped, ''), o.audit
FROM leaf f
JOIN log l ON l.log_id = f.log_id
LEFT JOIN opening o ON o.leaf_hash = f.leaf_hash
LEFT JOIN opening_key k ON k.key_id = o.key_id
WHERE f.leaf_hash = %(leaf_hash)s
""")

KEPT = Statement("""
SELECT grant_id, kid, registered_at FROM grant_artefact
WHERE grantee = %(grantee)s AND grant_id > %(after)s ORDER BY grant_id LIMIT %(rows_max)s
""")

REGISTERED = Statement("""
SELECT a.grant_id, EXISTS (SELECT 1 FROM grant_event e WHERE e.grantee = a.grantee
    AND e.grant_id = a.grant_id AND e.event = 'ask_evidence')
FROM grant_artefact a
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id AND g.level = 1
WHERE a.grantee = %(grantee)s AND a.registered_at >= %(first)s AND a.registered_at < %(end)s
ORDER BY a.grant_id
""")
UNSHOWN = Statement("""
SELECT DISTINCT e.grantee, e.grant_id FROM grant_event e
WHERE e.event = 'ask_evidence' AND e.effective_at <= %(asked_until)s AND NOT EXISTS (
    SELECT 1 FROM grant_event h WHERE h.grantee = e.grantee AND h.grant_id = e.grant_id
        AND h.event_id > e.event_id AND h.event IN ('show_evidence', 'invalidate'))
ORDER BY e.grantee, e.grant_id
""")

CLAIM_EVIDENCE = Statement("""
INSERT INTO grant_evidence (grantee, sha256, grant_id, bundle)
VALUES (%(grantee)s, %(sha256)s, %(grant_id)s, %(bundle)s)
ON CONFLICT DO NOTHING
""")
SAME_BUNDLE = Statement("""
SELECT 1 FROM grant_evidence e
JOIN grant_binding b ON b.grantee = e.grantee AND b.grant_id = e.grant_id
    AND b.token_index = %(token_index)s
WHERE e.grantee = %(grantee)s AND e.sha256 = %(sha256)s AND e.bundle = %(bundle)s
    AND e.bundle <> ''
""")

WITHDRAWN_AT = Statement("""
SELECT max(e.effective_at)
FROM grant_binding b
JOIN grant_artefact a ON a.grantee = b.grantee AND a.grant_id = b.grant_id
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id
JOIN grant_event e ON e.grantee = b.grantee AND e.grant_id = b.grant_id AND e.event = 'withdraw'
WHERE b.token_index = %(token_index)s AND b.grantee = %(grantee)s AND g.purpose = %(purpose)s
""")

# Who suppresses records of a member, and who stores its files: one after the other, from here on
# until the commit. It is everybody's last lock but that of the rows it is about.
LOCK_SUPPRESSIONS = Statement(
    "SELECT pg_advisory_xact_lock(hashtextextended('suppressions of ' || %(grantee)s, 0))"
)
LAST_SUPPRESSION = Statement("""
SELECT coalesce(max(n), 0) FROM suppression WHERE grantee = %(grantee)s
""")
# A statement of its own, after the lock: it sees every number that committed before.
ADD_SUPPRESSION = Statement("""
INSERT INTO suppression (grantee, n, grant_id)
SELECT %(grantee)s, coalesce(max(n), 0) + 1, %(grant_id)s
FROM suppression WHERE grantee = %(grantee)s
RETURNING n
""")
# A file has this lock from its first write to versions that others see until its commit. Whoever
# suppresses tries it and never waits: who gets it writes to the versions, who does not withholds.
LOCK_VERSIONS = Statement(
    "SELECT pg_advisory_xact_lock(hashtextextended('versions of ' || %(grantee)s, 0))"
)
TRY_VERSIONS = Statement(
    "SELECT pg_try_advisory_xact_lock(hashtextextended('versions of ' || %(grantee)s, 0))"
)
# The grants of a chain share their subject's tokens, one in each epoch; their records stand under
# every identity token of the subject. Probes by OFFSET 0, and each by the whole key of one index:
# known as empty, a table was read by half a key, all that the lender has.
# Where they were old, a plain join read all records again and again while withdrawals waited.
_RESTING_SINCE = """
    SELECT r.record_id, r.version
    FROM suppression s, LATERAL (
        SELECT coalesce(chain_id, grant_id) AS chain FROM grant_artefact
        WHERE grantee = s.grantee AND grant_id = s.grant_id OFFSET 0
    ) AS ended, LATERAL (
        SELECT token_index FROM grant_binding
        WHERE grantee = s.grantee AND grant_id = s.grant_id OFFSET 0
    ) AS own, LATERAL (
        SELECT token_index, grant_id, grantee FROM grant_binding
        WHERE token_index = own.token_index OFFSET 0
    ) AS b, LATERAL (
        SELECT coalesce(chain_id, grant_id) AS chain FROM grant_artefact
        WHERE grantee = s.grantee AND grant_id = b.grant_id OFFSET 0
    ) AS a, LATERAL (
        SELECT record_id, version FROM record
        WHERE token_index = b.token_index AND current AND member_id = s.grantee
            AND grant_id = b.grant_id OFFSET 0
    ) AS r
    WHERE s.grantee = %(grantee)s AND s.n > %(n)s AND b.grantee = s.grantee
        AND a.chain = ended.chain"""
# Most often there is nothing to do: an array, and nothing is looked up by it.
SUPPRESS_SINCE = Statement(f"""
WITH resting AS MATERIALIZED ({_RESTING_SINCE}
), settled AS (
    DELETE FROM withheld WHERE record_id = ANY (ARRAY(SELECT record_id FROM resting))
)
UPDATE record SET suppressed = true
WHERE record_id = ANY (ARRAY(SELECT record_id FROM resting)) AND NOT suppressed
""")  # noqa: S608 - both texts are constants of this module
# What looks leave out at once, and the file that is under way will suppress; should it come to
# nothing, the purge finds it here.
WITHHOLD_SINCE = Statement(f"""
INSERT INTO withheld AS w (record_id, version)
SELECT record_id, max(version) FROM ({_RESTING_SINCE}
) AS resting GROUP BY record_id ORDER BY record_id
ON CONFLICT (record_id) DO UPDATE SET version = greatest(w.version, excluded.version)
""")  # noqa: S608 - both texts are constants of this module
