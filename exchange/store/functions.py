"""The database functions of the query's way, as text. Migrations create them, a test compares them.

A function and not one large statement: each step inside sees what the step before it locked (a
statement sees one snapshot, and would miss what a lock made it wait for), each is planned for
itself as an index probe, and one call serves a single query and a row of a batch alike.
"""

from __future__ import annotations

from exchange.store.gate.many import GATE_MANY

WRITERS_LOCK = 7163384699739271170  # advisory: shared by whoever writes leaves

# security.md, 4: per operator and hour, and per member and day; what was answered before is not
# counted again. The row lock of each counter makes it exact across workers, and whoever counts next
# waits for it: so this comes last, when all else of the transaction is done. The member's day is
# spread over eight counters, so that its own queries do not wait for each other; only when one is
# full are all of them locked, in order, and what is left is found.
# It raises, so that a COMMIT sent behind it in the same wait commits nothing.
_SPEND_QUOTA = """
CREATE OR REPLACE FUNCTION spend_quota(
    p_member text, p_now bigint, p_first uuid, p_operators bytea[],
    p_operator_hour int, p_day int, p_new_member_day int, p_new_member_seconds bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_hour bigint := p_now - p_now % 3600;
    v_day bigint := p_now - p_now % 86400;
    v_slot int := abs(hashtext(p_first::text) % 8);
    v_used bigint;
    v_left int := cardinality(p_operators); -- One for each query.
    v_most int;
    v_take int;
    v_row record;
BEGIN
    WITH counted AS ( -- One counter an operator, and one order for everybody.
        INSERT INTO quota AS c (member_id, what, period, used)
        SELECT p_member, 'operator/' || encode(o.operator, 'hex'), v_hour, o.n
        FROM (SELECT a.operator, count(*) AS n FROM unnest(p_operators) a(operator)
            GROUP BY a.operator ORDER BY a.operator) o
        ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
        RETURNING c.used
    )
    SELECT max(used) INTO v_used FROM counted;
    IF v_used > p_operator_hour THEN
        RAISE EXCEPTION 'operator' USING ERRCODE = 'CXQ01';
    END IF;

    SELECT CASE WHEN p_now < m.enrolled_at + p_new_member_seconds
        THEN least(p_day, p_new_member_day) ELSE p_day END
    INTO v_most FROM member m WHERE m.member_id = p_member;
    IF v_left <= v_most / 8 + (v_slot < v_most % 8)::int THEN
        INSERT INTO quota AS c (member_id, what, period, used)
        VALUES (p_member, 'queries/' || v_slot, v_day, v_left)
        ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
            WHERE c.used + excluded.used <= v_most / 8 + (v_slot < v_most % 8)::int;
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

# What the asker and the log must be before anything is looked at.
_ENTER_GATE = """
CREATE OR REPLACE FUNCTION enter_gate(
    p_member text, p_keys text[], p_nonces text[], p_now bigint, p_log_id int,
    p_after_sizes bigint[], p_after_roots text[],
    OUT nonce_fresh boolean, OUT key_live boolean, OUT covered_until bigint,
    OUT contributors bigint, OUT after_agrees boolean, OUT earned text
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_nonce text;
BEGIN
    -- Held until the answer is committed: the log of a year is closed by whoever holds it alone.
    PERFORM pg_advisory_xact_lock_shared(7163384699739271170);
    nonce_fresh := true;
    FOREACH v_nonce IN ARRAY p_nonces LOOP
        INSERT INTO nonce (member_id, nonce, seen_at) VALUES (p_member, v_nonce, p_now)
        ON CONFLICT DO NOTHING;
        nonce_fresh := nonce_fresh AND FOUND;
    END LOOP;
    SELECT
        -- The standing of the keys is read in the transaction that acts on it.
        cardinality(p_keys) = (SELECT count(*) FROM member_key k JOIN member m USING (member_id)
            WHERE k.member_id = p_member AND k.key = ANY (p_keys) AND m.status = 'ACTIVE'
                AND k.revoked_at IS NULL AND k.not_before <= p_now AND p_now < k.not_after),
        coalesce((SELECT s.covered_until FROM log_state s JOIN log l USING (log_id)
            WHERE s.log_id = p_log_id AND l.closed_at IS NULL), 0),
        (SELECT count(*) FROM member m WHERE m.status = 'ACTIVE'
            AND 'contributor' = ANY (m.roles) AND m.member_id <> p_member),
        -- How deep the asker's own contribution lets answers go, as announced for this time.
        coalesce((SELECT r.earned FROM reciprocity r
            WHERE r.member_id = p_member AND r.effective_at <= p_now
            ORDER BY r.effective_at DESC LIMIT 1), 'ALL')
    INTO key_live, covered_until, contributors, earned;
    after_agrees := true;
    FOR i IN 1 .. cardinality(p_after_sizes) LOOP
        after_agrees := after_agrees AND EXISTS (
            SELECT 1 FROM log l JOIN checkpoint c USING (log_id) WHERE c.size = p_after_sizes[i]
                AND encode(c.root, 'base64') = p_after_roots[i]);
    END LOOP;
END $$
"""

# consent.md, 7. The grant's row is locked first and judged as locked; its use is counted only if
# the row permits it; records are read only where a use was counted. Then the subject's counter:
# every transaction takes a subject's grant before its counter. Behind that lock the looks of the
# day by this member are counted from the leaves themselves: security.md, 4, and I7.
_GATE_ONE = """
CREATE OR REPLACE FUNCTION pass_gate(
    p_member text, p_now bigint, p_log_id int, p_query_id uuid,
    p_index bytea, p_index_2 bytea, p_index_3 bytea, p_contact bytea,
    p_grant_id uuid, p_purpose text, p_open boolean, p_level int,
    p_needs_account boolean, p_needs_overdue boolean,
    p_subject text, p_subject_day int, p_key_id text, p_kek_id text, p_wrapped bytea
) RETURNS TABLE (
    stored boolean, digest bytea, leaf_hash bytea, claims bytea,
    key_id text, key_kek_id text, key_wrapped bytea,
    held boolean, grantee text, state text, purpose text, level int, cross_border boolean,
    not_before bigint, expires bigint, uses int, max_uses int, window_start bigint,
    window_uses int, window_max int, window_seconds int, detail text, fields text[],
    lookback_months int,
    spent boolean, own_account boolean, seq bigint, in_7 bigint, in_30 bigint, in_90 bigint,
    record_id uuid, record_member text, version int, epoch text, disputed boolean,
    suppressed boolean, kek_id text, wrapped bytea, sealed bytea, answer_late boolean,
    statement_id uuid, statement_of uuid, statement_kek_id text, statement_wrapped bytea,
    statement_sealed bytea, subject_spent boolean
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    g grants%ROWTYPE;
BEGIN
    stored := false; held := false; spent := false; own_account := false;
    in_7 := 0; in_30 := 0; in_90 := 0; key_id := p_key_id;

    SELECT true, q.digest, q.leaf_hash, q.sealed, q.key_id, k.kek_id, k.wrapped
    INTO stored, digest, leaf_hash, claims, key_id, key_kek_id, key_wrapped
    FROM query q JOIN opening_key k ON k.key_id = q.key_id
    WHERE q.member_id = p_member AND q.query_id = p_query_id;
    IF FOUND THEN
        RETURN NEXT;
        RETURN;
    END IF;
    stored := false; key_id := p_key_id;

    IF p_needs_account THEN
        own_account := EXISTS (
            SELECT 1 FROM record r WHERE r.token_index = p_index AND r.current
                AND r.member_id = p_member AND r.open AND NOT r.suppressed
                AND (r.overdue OR NOT p_needs_overdue));
    END IF;

    IF p_grant_id IS NOT NULL THEN
        SELECT * INTO g FROM grants h
        WHERE h.token_index = p_index AND h.grantee = p_member AND h.grant_id = p_grant_id
        FOR UPDATE;
        held := FOUND;
    END IF;
    IF held THEN
        grantee := g.grantee; state := g.state; purpose := g.purpose; level := g.level;
        cross_border := g.cross_border;
        not_before := g.not_before; expires := g.expires; uses := g.uses; max_uses := g.max_uses;
        window_start := g.window_start; window_uses := g.window_uses;
        window_max := g.window_max; window_seconds := g.window_seconds;
        detail := g.detail; fields := g.fields; lookback_months := g.lookback_months;
        spent := p_open AND (own_account OR NOT p_needs_account)
            AND g.state = 'ACTIVE' AND g.purpose = p_purpose AND g.level >= p_level
            AND g.not_before <= p_now + 60 AND g.expires > p_now
            AND (g.max_uses IS NULL OR g.uses < g.max_uses)
            AND (g.window_max IS NULL OR p_now >= g.window_start + g.window_seconds
                OR g.window_uses < g.window_max);
    END IF;
    IF spent THEN
        UPDATE grants h SET uses = h.uses + 1,
            window_start = CASE WHEN p_now >= h.window_start + h.window_seconds
                THEN p_now ELSE h.window_start END,
            window_uses = CASE WHEN p_now >= h.window_start + h.window_seconds
                THEN 1 ELSE h.window_uses + 1 END
        WHERE h.token_index = p_index AND h.grantee = p_member AND h.grant_id = p_grant_id;
    END IF;

    INSERT INTO subject_counter AS c (log_id, subject, last_seq) VALUES (p_log_id, p_subject, 1)
    ON CONFLICT (log_id, subject) DO UPDATE SET last_seq = c.last_seq + 1
    RETURNING c.last_seq INTO seq;
    subject_spent := p_subject_day <= (SELECT count(*) FROM log_search s
        WHERE s.subject = p_subject AND s.subject <> '' AND s.member_id = p_member
            AND s.kind = 'query' AND s.t >= p_now - p_now % 86400);
    INSERT INTO opening_key AS k (key_id, kek_id, wrapped) VALUES (p_key_id, p_kek_id, p_wrapped)
    ON CONFLICT (key_id) DO NOTHING
    RETURNING k.kek_id, k.wrapped INTO key_kek_id, key_wrapped;
    IF NOT FOUND THEN
        SELECT k.kek_id, k.wrapped INTO key_kek_id, key_wrapped
        FROM opening_key k WHERE k.key_id = p_key_id;
    END IF;

    IF spent THEN
        SELECT count(DISTINCT i.member_id) FILTER (WHERE i.asked_at > p_now - 7 * 86400),
            count(DISTINCT i.member_id) FILTER (WHERE i.asked_at > p_now - 30 * 86400),
            count(DISTINCT i.member_id)
        INTO in_7, in_30, in_90
        FROM inquiry i
        WHERE i.token_index = ANY (ARRAY[p_index, p_index_2, p_index_3, p_contact])
            AND i.asked_at > p_now - 90 * 86400 AND i.asked_at <= p_now
            AND i.member_id <> p_member;
        -- The newest word of the borrower, on the subject or on a record of another member.
        SELECT s.statement_id, s.record_id, s.kek_id, s.wrapped, s.sealed
        INTO statement_id, statement_of, statement_kek_id, statement_wrapped, statement_sealed
        FROM statement s
        WHERE s.token_index = ANY (ARRAY[p_index, p_index_2, p_index_3]) AND s.ended_at IS NULL
            AND s.about_member IS DISTINCT FROM p_member
        ORDER BY s.made_at DESC, s.statement_id DESC LIMIT 1;
        FOR record_id, record_member, version, epoch, disputed, suppressed, kek_id, wrapped,
            sealed, answer_late
        IN SELECT r.record_id, r.member_id, r.version, r.epoch, d.record_id IS NOT NULL,
            r.suppressed, r.kek_id, r.wrapped, r.sealed, coalesce(d.due_at <= p_now, false)
        FROM record r LEFT JOIN dispute_mark d ON d.record_id = r.record_id
        WHERE r.token_index = ANY (ARRAY[p_index, p_index_2, p_index_3]) AND r.current
        LOOP
            RETURN NEXT;
        END LOOP;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN NEXT;
END $$
"""

FUNCTIONS = {
    "spend_quota": _SPEND_QUOTA,
    "enter_gate": _ENTER_GATE,
    "pass_gate": _GATE_ONE,
    "pass_gates": GATE_MANY,
}
