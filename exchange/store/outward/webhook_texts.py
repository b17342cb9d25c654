"""The SQL of webhooks. The three statements of the deliverer stand last, in the order of a turn."""

from __future__ import annotations

from exchange.store.statement import Statement

_COLUMNS = "w.webhook_id, w.member_id, w.url, w.made_at, w.disabled_at, w.disabled_cause"

OPEN_COUNT = Statement("""
INSERT INTO feed (member_id, last_seq) VALUES (%(member)s, 0) ON CONFLICT (member_id) DO NOTHING
""")
LOCK_COUNT = Statement("SELECT last_seq FROM feed WHERE member_id = %(member)s FOR UPDATE")

ADD = Statement("""
INSERT INTO webhook (webhook_id, member_id, url, made_at, seq_done)
VALUES (%(webhook_id)s, %(member)s, %(url)s, %(made_at)s, %(seq_done)s)
""")
_FIND = f"""
SELECT {_COLUMNS} FROM webhook w
WHERE w.webhook_id = %(webhook_id)s AND w.member_id = %(member)s
"""  # noqa: S608 - composed of constants alone
FIND = Statement(_FIND)
LOCK = Statement(f"{_FIND} FOR UPDATE")
LIST = Statement(f"""
SELECT {_COLUMNS} FROM webhook w WHERE w.member_id = %(member)s ORDER BY w.webhook_id
""")  # noqa: S608 - composed of constants alone
REMOVE = Statement("""
WITH rung AS (DELETE FROM webhook_delivery WHERE webhook_id = %(webhook_id)s),
known AS (DELETE FROM webhook_secret WHERE webhook_id = %(webhook_id)s)
DELETE FROM webhook WHERE webhook_id = %(webhook_id)s
""")

ADD_SECRET = Statement("""
INSERT INTO webhook_secret (webhook_id, secret_id, made_at, kek_id, wrapped, sealed)
VALUES (%(webhook_id)s, %(secret_id)s, %(made_at)s, %(kek_id)s, %(wrapped)s, %(sealed)s)
""")
SECRETS = Statement("""
SELECT secret_id, made_at, kek_id, wrapped, sealed FROM webhook_secret
WHERE webhook_id = %(webhook_id)s ORDER BY made_at DESC, secret_id DESC
""")
DROP_SECRETS = Statement("""
DELETE FROM webhook_secret
WHERE webhook_id = %(webhook_id)s AND NOT secret_id = ANY (%(keep)s::uuid[])
""")

DISABLE = Statement("""
UPDATE webhook SET disabled_at = %(now)s, disabled_cause = %(cause)s
WHERE webhook_id = %(webhook_id)s AND disabled_at IS NULL
""")
ENABLE = Statement("""
UPDATE webhook SET disabled_at = NULL, disabled_cause = NULL, unauthorised_in_row = 0
WHERE webhook_id = %(webhook_id)s
""")
COUNT_UNAUTHORISED = Statement("""
UPDATE webhook
SET unauthorised_in_row = CASE WHEN %(refused)s THEN unauthorised_in_row + 1 ELSE 0 END
WHERE webhook_id = %(webhook_id)s AND (%(refused)s OR unauthorised_in_row > 0)
RETURNING unauthorised_in_row
""")

REPLAY = Statement("""
INSERT INTO webhook_delivery AS d (webhook_id, event_id, seq, state, tries, next_at, leased_until)
SELECT %(webhook_id)s, e.event_id, e.seq, 'WAITING', 0, %(now)s::bigint, 0 FROM event e
WHERE e.member_id = %(member)s AND e.seq BETWEEN %(first)s AND %(last)s
ON CONFLICT (webhook_id, event_id)
DO UPDATE SET state = 'WAITING', tries = 0, next_at = excluded.next_at
""")
DELIVERIES = Statement("""
SELECT event_id, seq, state, tries, next_at, last_at, last_status, last_fault
FROM webhook_delivery WHERE webhook_id = %(webhook_id)s AND seq > %(after)s::bigint
ORDER BY seq LIMIT %(rows_max)s::int
""")

UNNUMBERED = Statement("""
SELECT DISTINCT w.member_id FROM webhook w
WHERE w.disabled_at IS NULL AND EXISTS (
    SELECT 1 FROM event e WHERE e.member_id = w.member_id AND e.seq IS NULL)
""")
# Two deliverers at once take different endpoints.
SPREAD = Statement("""
WITH live AS (
    SELECT webhook_id, member_id, seq_done FROM webhook WHERE disabled_at IS NULL
    ORDER BY webhook_id FOR UPDATE SKIP LOCKED
), fresh AS (
    INSERT INTO webhook_delivery
        (webhook_id, event_id, seq, state, tries, next_at, leased_until)
    SELECT l.webhook_id, e.event_id, e.seq, 'WAITING', 0, %(now)s::bigint, 0
    FROM live l CROSS JOIN LATERAL (
        SELECT n.event_id, n.seq FROM event n
        WHERE n.member_id = l.member_id AND n.seq > l.seq_done
        ORDER BY n.seq LIMIT %(rows_max)s::int) e
    ON CONFLICT (webhook_id, event_id) DO NOTHING
    RETURNING webhook_id, seq
), newest AS (
    SELECT l.webhook_id, (
        SELECT max(seq) FROM (
            SELECT n.seq FROM event n WHERE n.member_id = l.member_id AND n.seq > l.seq_done
            ORDER BY n.seq LIMIT %(rows_max)s::int) taken) AS seq
    FROM live l
), moved AS (
    UPDATE webhook w SET seq_done = n.seq FROM newest n
    WHERE w.webhook_id = n.webhook_id AND n.seq IS NOT NULL
)
SELECT count(*) FROM fresh
""")
CLAIM = Statement(f"""
WITH due AS (
    SELECT d.webhook_id, d.event_id
    FROM webhook w
    JOIN member m ON m.member_id = w.member_id AND m.status = 'ACTIVE'
    CROSS JOIN LATERAL (
        SELECT x.webhook_id, x.event_id FROM webhook_delivery x
        WHERE x.webhook_id = w.webhook_id AND x.state = 'WAITING' AND x.next_at <= %(now)s
            AND x.leased_until <= %(now)s
        ORDER BY x.next_at, x.seq LIMIT %(rows_max)s::int FOR UPDATE SKIP LOCKED) d
    WHERE w.disabled_at IS NULL
), taken AS (
    UPDATE webhook_delivery t SET lease = %(lease)s, leased_until = %(until)s
    FROM due d WHERE t.webhook_id = d.webhook_id AND t.event_id = d.event_id
    RETURNING t.webhook_id, t.event_id, t.tries, t.seq
)
SELECT {_COLUMNS}, e.event_id, e.kind, e.about, e.made_at, t.tries
FROM taken t JOIN webhook w ON w.webhook_id = t.webhook_id
JOIN event e ON e.event_id = t.event_id
ORDER BY t.seq
""")  # noqa: S608 - composed of constants alone
RECORD = Statement("""
UPDATE webhook_delivery
SET state = %(state)s, tries = tries + 1, next_at = %(next_at)s, leased_until = 0, lease = NULL,
    last_at = %(at)s, last_status = %(status)s, last_fault = %(fault)s
WHERE webhook_id = %(webhook_id)s AND event_id = %(event_id)s AND lease = %(lease)s
""")
