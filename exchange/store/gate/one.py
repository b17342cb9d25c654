"""The gate: what the asker and the log must be; then for one query the grant, the counter, records.

What a statement inside costs is the making of its plan's nodes and columns, four times what finding
the row costs: so each is small, and what is seldom (a window, a refusal) pays for itself.

In:  one question of one member; a few that come together are as many calls.
Out: a row a record found, or one row where there is none.
"""

from __future__ import annotations

# What a grant must be to be used: the one place in the database that says it, held equal to
# `consent.decide` by a test. The planner puts it in the place of its call.
GRANT_COVERS = """
CREATE OR REPLACE FUNCTION grant_covers(
    p_grant grants, p_purpose text, p_level int, p_now bigint
) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_grant.state = 'ACTIVE' AND p_grant.purpose = p_purpose AND p_grant.level >= p_level
        AND p_grant.not_before <= p_now + 60 AND p_grant.expires > p_now
        AND (p_grant.max_uses IS NULL OR p_grant.uses < p_grant.max_uses)
        AND (p_grant.window_max IS NULL
            OR p_now >= p_grant.window_start + p_grant.window_seconds
            OR p_grant.window_uses < p_grant.window_max)
$$
"""

# What the asker and the log must be before anything is looked at.
ENTER_GATE = """
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
    -- An expression costs less than a statement; what it waited for, the next statement sees.
    after_agrees := pg_advisory_xact_lock_shared(7163384699739271170) IS NOT NULL;
    nonce_fresh := true;
    FOREACH v_nonce IN ARRAY p_nonces LOOP
        INSERT INTO nonce (member_id, nonce, seen_at) VALUES (p_member, v_nonce, p_now)
        ON CONFLICT DO NOTHING;
        nonce_fresh := nonce_fresh AND FOUND;
    END LOOP;
    SELECT count(*) FILTER (WHERE 'contributor' = ANY (m.roles) AND m.member_id <> p_member),
        -- The standing of the keys is read in the transaction that acts on it.
        coalesce(bool_or(m.member_id = p_member), false)
            AND cardinality(p_keys) = (SELECT count(*) FROM member_key k
                WHERE k.member_id = p_member AND k.key = ANY (p_keys)
                    AND k.revoked_at IS NULL AND k.not_before <= p_now AND p_now < k.not_after),
        coalesce((SELECT s.covered_until FROM log_state s JOIN log l USING (log_id)
            WHERE s.log_id = p_log_id AND l.closed_at IS NULL), 0),
        -- How deep the asker's own contribution lets answers go, as announced for this time.
        coalesce((SELECT r.earned FROM reciprocity r
            WHERE r.member_id = p_member AND r.effective_at <= p_now
            ORDER BY r.effective_at DESC LIMIT 1), 'ALL')
    INTO contributors, key_live, covered_until, earned
    FROM member m WHERE m.status = 'ACTIVE';
    FOR i IN 1 .. cardinality(p_after_sizes) LOOP
        after_agrees := after_agrees AND EXISTS (
            SELECT 1 FROM log l JOIN checkpoint c USING (log_id) WHERE c.size = p_after_sizes[i]
                AND encode(c.root, 'base64') = p_after_roots[i]);
    END LOOP;
END $$
"""

# consent.md, 7. The grant's row is locked, judged as locked, and its use counted only if the row
# permits it; records are read only where a use was counted. Then the subject's counter: every
# transaction takes a subject's grant before its counter. Behind that lock the looks of the day by
# this member are counted from the leaves themselves: security.md, 4, and I7.
# `ROWS 1`: by the usual guess of a thousand, a call for each of a few was planned anew each time.
GATE_ONE = """
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
) LANGUAGE plpgsql VOLATILE ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    -- Else the planner makes a plan at each call for those of the four tokens that are there, which
    -- costs three times what it saves.
    v_planning text := set_config('plan_cache_mode', 'force_generic_plan', true);
    g grants%ROWTYPE;
    v_open boolean;
BEGIN
    stored := false; held := false; spent := false; own_account := false; key_id := p_key_id;
    subject_spent := false; in_7 := 0; in_30 := 0; in_90 := 0;

    IF p_needs_account THEN
        own_account := EXISTS (
            SELECT 1 FROM record r WHERE r.token_index = p_index AND r.current
                AND r.member_id = p_member AND r.open AND NOT r.suppressed
                AND (r.overdue OR NOT p_needs_overdue));
    END IF;
    v_open := p_open AND p_grant_id IS NOT NULL AND (own_account OR NOT p_needs_account);
    -- The usual case is one statement: a grant without a window that permits the look, and a
    -- question that is new. Whatever else there is, it changes nothing.
    IF v_open THEN
        UPDATE grants h SET uses = h.uses + 1
        WHERE h.token_index = p_index AND h.grantee = p_member AND h.grant_id = p_grant_id
            AND h.window_max IS NULL AND grant_covers(h, p_purpose, p_level, p_now)
            AND NOT EXISTS (SELECT 1 FROM query q
                WHERE q.member_id = p_member AND q.query_id = p_query_id)
        RETURNING h.* INTO g;
        spent := FOUND;
        held := FOUND;
        g.uses := g.uses - 1; -- It is told as it was before.
    END IF;
    IF NOT spent THEN
        SELECT true, q.digest, q.leaf_hash, q.sealed, q.key_id, k.kek_id, k.wrapped
        INTO stored, digest, leaf_hash, claims, key_id, key_kek_id, key_wrapped
        FROM query q JOIN opening_key k ON k.key_id = q.key_id
        WHERE q.member_id = p_member AND q.query_id = p_query_id;
        IF FOUND THEN
            RETURN NEXT;
            RETURN;
        END IF;
        stored := false; key_id := p_key_id;
        IF p_grant_id IS NOT NULL THEN
            SELECT * INTO g FROM grants h
            WHERE h.token_index = p_index AND h.grantee = p_member AND h.grant_id = p_grant_id
            FOR UPDATE;
            held := FOUND;
        END IF;
        spent := v_open AND held AND grant_covers(g, p_purpose, p_level, p_now);
        IF spent THEN
            UPDATE grants h SET uses = h.uses + 1,
                window_start = CASE WHEN p_now >= h.window_start + h.window_seconds
                    THEN p_now ELSE h.window_start END,
                window_uses = CASE WHEN p_now >= h.window_start + h.window_seconds
                    THEN 1 ELSE h.window_uses + 1 END
            WHERE h.token_index = p_index AND h.grantee = p_member AND h.grant_id = p_grant_id;
        END IF;
    END IF;
    IF held THEN
        grantee := g.grantee; state := g.state; purpose := g.purpose; level := g.level;
        cross_border := g.cross_border;
        not_before := g.not_before; expires := g.expires; uses := g.uses; max_uses := g.max_uses;
        window_start := g.window_start; window_uses := g.window_uses;
        window_max := g.window_max; window_seconds := g.window_seconds;
        detail := g.detail; fields := g.fields; lookback_months := g.lookback_months;
    END IF;

    INSERT INTO subject_counter AS c (log_id, subject, last_seq) VALUES (p_log_id, p_subject, 1)
    ON CONFLICT (log_id, subject) DO UPDATE SET last_seq = c.last_seq + 1
    RETURNING c.last_seq INTO seq;
    IF seq > 1 THEN -- Else nothing of it is in this log.
        subject_spent := p_subject_day <= (SELECT count(*) FROM log_search s
            WHERE s.subject = p_subject AND s.subject <> '' AND s.member_id = p_member
                AND s.kind = 'query' AND s.t >= p_now - p_now % 86400);
        SELECT k.kek_id, k.wrapped INTO key_kek_id, key_wrapped
        FROM opening_key k WHERE k.key_id = p_key_id;
    END IF;
    IF key_wrapped IS NULL THEN
        INSERT INTO opening_key AS k (key_id, kek_id, wrapped)
        VALUES (p_key_id, p_kek_id, p_wrapped)
        ON CONFLICT (key_id) DO NOTHING
        RETURNING k.kek_id, k.wrapped INTO key_kek_id, key_wrapped;
        IF NOT FOUND THEN
            SELECT k.kek_id, k.wrapped INTO key_kek_id, key_wrapped
            FROM opening_key k WHERE k.key_id = p_key_id;
        END IF;
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
            r.suppressed OR EXISTS (SELECT 1 FROM withheld w
                WHERE w.record_id = r.record_id AND r.version <= w.version),
            r.kek_id, r.wrapped, r.sealed, coalesce(d.due_at <= p_now, false)
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
