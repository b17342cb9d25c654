"""The database functions of the query's way, as text. Migrations create them, a test compares them.

A function and not one large statement: each step inside sees what the step before it locked (a
statement sees one snapshot, and would miss what a lock made it wait for), and each is planned for
itself as an index probe.
"""

from __future__ import annotations

from exchange.store.gate.many import GATE_MANY
from exchange.store.gate.one import ENTER_GATE, GATE_ONE, GRANT_COVERS

WRITERS_LOCK = 7163384699739271170  # advisory: shared by whoever writes leaves

# security.md, 4: per operator and hour, and per member and day; what was answered before is not
# counted again. The row lock of each counter makes it exact across workers, and whoever counts next
# waits for it: so this comes last, when all else of the transaction is done. The member's day is
# spread over eight counters, so that its own queries do not wait for each other; only where one is
# full are all of them locked, in order, and what is left is found. Whether it is full is looked at
# before it is locked: two who hold one and wait for the others would wait for each other.
# It raises, so that a COMMIT sent behind it in the same wait commits nothing.
_SPEND_QUOTA = """
CREATE OR REPLACE FUNCTION spend_quota(
    p_member text, p_now bigint, p_slot int, p_operators text[], p_counts int[],
    p_operator_hour int, p_day int, p_new_member_day int, p_new_member_seconds bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_hour bigint := p_now - p_now % 3600;
    v_day bigint := p_now - p_now % 86400;
    v_slot text := 'queries/' || p_slot;
    v_used bigint;
    v_left bigint;
    v_most int;
    v_take bigint;
    v_row record;
BEGIN
    IF cardinality(p_operators) = 1 THEN
        v_left := p_counts[1];
        INSERT INTO quota AS c (member_id, what, period, used)
        VALUES (p_member, p_operators[1], v_hour, v_left)
        ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
        RETURNING c.used INTO v_used;
    ELSE
        WITH counted AS (
            INSERT INTO quota AS c (member_id, what, period, used)
            SELECT p_member, o.operator, v_hour, o.n
            FROM unnest(p_operators, p_counts) o(operator, n)
            ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
            RETURNING c.used
        )
        SELECT max(c.used), (SELECT sum(n) FROM unnest(p_counts) n) INTO v_used, v_left
        FROM counted c;
    END IF;
    IF v_used > p_operator_hour THEN
        RAISE EXCEPTION 'operator' USING ERRCODE = 'CXQ01';
    END IF;

    SELECT CASE WHEN p_now < m.enrolled_at + p_new_member_seconds
            THEN least(p_day, p_new_member_day) ELSE p_day END,
        coalesce((SELECT q.used FROM quota q WHERE q.member_id = p_member AND q.what = v_slot
            AND q.period = v_day), 0)
    INTO v_most, v_used FROM member m WHERE m.member_id = p_member;
    IF v_used + v_left <= v_most / 8 + (p_slot < v_most % 8)::int THEN
        INSERT INTO quota AS c (member_id, what, period, used)
        VALUES (p_member, v_slot, v_day, v_left)
        ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
            WHERE c.used + excluded.used <= v_most / 8 + (p_slot < v_most % 8)::int;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    INSERT INTO quota (member_id, what, period, used)
    SELECT p_member, 'queries/' || s, v_day, 0 FROM generate_series(0, 7) s ORDER BY s
    ON CONFLICT DO NOTHING;
    FOR v_row IN
        SELECT c.what, v_most / 8 + (right(c.what, 1)::int < v_most % 8)::int - c.used AS open
        FROM quota c
        WHERE c.member_id = p_member AND c.what LIKE 'queries/_' AND c.period = v_day
        ORDER BY c.what FOR UPDATE
    LOOP
        v_take := least(v_left, greatest(v_row.open, 0));
        UPDATE quota c SET used = c.used + v_take
        WHERE c.member_id = p_member AND c.what = v_row.what AND c.period = v_day;
        v_left := v_left - v_take;
    END LOOP;
    IF v_left > 0 THEN
        RAISE EXCEPTION 'member' USING ERRCODE = 'CXQ01';
    END IF;
END $$
"""

FUNCTIONS = {
    "spend_quota": _SPEND_QUOTA,
    "grant_covers": GRANT_COVERS,
    "enter_gate": ENTER_GATE,
    "pass_gate": GATE_ONE,
    "pass_gates": GATE_MANY,
}
