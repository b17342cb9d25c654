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
END $$;

CREATE OR REPLACE FUNCTION pass_gates(
    p_member text, p_now bigint, p_log_id int, p_earning boolean, p_subject_day int,
    p_query_id uuid[], p_index bytea[], p_index_2 bytea[], p_index_3 bytea[], p_contact bytea[],
    p_grant_id uuid[], p_purpose text[], p_open boolean[], p_level int[],
    p_needs_account boolean[], p_needs_overdue boolean[],
    p_subject text[], p_key_id text[], p_kek_id text[], p_wrapped bytea[]
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
    statement_sealed bytea, subject_spent boolean, ord bigint
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_stored boolean[];
    v_own boolean[];
    v_grants grants[];
    v_spent boolean[];
    v_seq bigint[];
    -- Else a plan is made at each call: for a few queries that costs more than the looks.
    v_planning text := set_config('plan_cache_mode', 'force_generic_plan', true);
BEGIN
    -- One probe each: as a join it was planned over all that the member ever asked.
    SELECT array_agg(coalesce((SELECT true FROM query q JOIN opening_key k ON k.key_id = q.key_id
        WHERE q.member_id = p_member AND q.query_id = a.query_id), false) ORDER BY a.ord)
    INTO v_stored FROM unnest(p_query_id) WITH ORDINALITY a(query_id, ord);

    IF true = ANY (p_needs_account) THEN
        SELECT array_agg(a.needs_account AND EXISTS (
            SELECT 1 FROM record r WHERE r.token_index = a.index AND r.current
                AND r.member_id = p_member AND r.open AND NOT r.suppressed
                AND (r.overdue OR NOT a.needs_overdue)) ORDER BY a.ord)
        INTO v_own
        FROM unnest(p_index, p_needs_account, p_needs_overdue)
            WITH ORDINALITY a(index, needs_account, needs_overdue, ord);
    END IF;

    -- Judged as locked: what a lock made us wait for is what counts.
    WITH locked AS MATERIALIZED (
        SELECT a.ord, h AS found
        FROM unnest(p_index, p_grant_id, v_stored) WITH ORDINALITY a(index, grant_id, stored, ord)
        JOIN grants h ON h.token_index = a.index AND h.grantee = p_member
            AND h.grant_id = a.grant_id
        WHERE NOT a.stored
        ORDER BY a.index FOR UPDATE OF h
    )
    SELECT array_agg(l.found ORDER BY a.ord), array_agg(coalesce(
        a.open AND p_earning AND (a.own OR NOT a.needs_account)
            AND grant_covers(l.found, a.purpose, a.level, p_now), false) ORDER BY a.ord)
    INTO v_grants, v_spent
    FROM unnest(p_purpose, p_open, p_level, p_needs_account, v_own)
        WITH ORDINALITY a(purpose, open, level, needs_account, own, ord)
    LEFT JOIN locked l USING (ord);

    UPDATE grants h SET uses = h.uses + 1,
        window_start = CASE WHEN p_now >= h.window_start + h.window_seconds
            THEN p_now ELSE h.window_start END,
        window_uses = CASE WHEN p_now >= h.window_start + h.window_seconds
            THEN 1 ELSE h.window_uses + 1 END
    FROM unnest(p_index, p_grant_id, v_spent) a(index, grant_id, spent)
    WHERE a.spent AND h.token_index = a.index AND h.grantee = p_member
        AND h.grant_id = a.grant_id;

    WITH counted AS (
        INSERT INTO subject_counter AS c (log_id, subject, last_seq)
        SELECT p_log_id, a.subject, 1 FROM unnest(p_subject, v_stored) a(subject, stored)
        WHERE NOT a.stored ORDER BY a.subject
        ON CONFLICT (log_id, subject) DO UPDATE SET last_seq = c.last_seq + 1
        RETURNING c.subject, c.last_seq
    )
    SELECT array_agg(n.last_seq ORDER BY a.ord) INTO v_seq
    FROM unnest(p_subject) WITH ORDINALITY a(subject, ord) LEFT JOIN counted n USING (subject);

    INSERT INTO opening_key (key_id, kek_id, wrapped)
    SELECT a.key_id, a.kek_id, a.wrapped
    FROM unnest(p_key_id, p_kek_id, p_wrapped, v_stored) a(key_id, kek_id, wrapped, stored)
    WHERE NOT a.stored ORDER BY a.key_id
    ON CONFLICT (key_id) DO NOTHING;

    -- A statement of its own: it sees what those before it waited for, an opening key among that.
    -- Each look is a probe of its own: a join was planned as a hash of all that the member ever
    -- asked. What few subjects have is put together once for all.
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT i.ord, count(*) FILTER (WHERE i.last > p_now - 7 * 86400) AS in_7,
            count(*) FILTER (WHERE i.last > p_now - 30 * 86400) AS in_30, count(*) AS in_90
        FROM (SELECT a.ord, max(o.asked_at) AS last
            FROM unnest(p_index, p_index_2, p_index_3, p_contact, v_spent)
                WITH ORDINALITY a(index, index_2, index_3, contact, spent, ord)
            CROSS JOIN LATERAL (
                SELECT o.member_id, o.asked_at FROM inquiry o
                WHERE a.spent
                    AND o.token_index = ANY (ARRAY[a.index, a.index_2, a.index_3, a.contact])
                    AND o.asked_at > p_now - 90 * 86400 AND o.asked_at <= p_now
                    AND o.member_id <> p_member OFFSET 0
            ) o
            GROUP BY a.ord, o.member_id) i
        GROUP BY i.ord
    ),
    -- The newest word of the borrower, on the subject or on a record of another member.
    said AS MATERIALIZED (
        SELECT DISTINCT ON (a.ord) a.ord, t.*
        FROM unnest(p_index, p_index_2, p_index_3, v_spent)
            WITH ORDINALITY a(index, index_2, index_3, spent, ord)
        CROSS JOIN LATERAL (
            SELECT t.statement_id, t.record_id, t.kek_id, t.wrapped, t.sealed, t.made_at
            FROM statement t
            WHERE a.spent AND t.token_index = ANY (ARRAY[a.index, a.index_2, a.index_3])
                AND t.ended_at IS NULL AND t.about_member IS DISTINCT FROM p_member OFFSET 0
        ) t
        ORDER BY a.ord, t.made_at DESC, t.statement_id DESC
    )
    SELECT a.stored, q.digest, q.leaf_hash, q.sealed, k.key_id, k.kek_id, k.wrapped,
        g.grant_id IS NOT NULL, g.grantee, g.state, g.purpose, g.level::int, g.cross_border,
        g.not_before, g.expires, g.uses, g.max_uses, g.window_start, g.window_uses,
        g.window_max, g.window_seconds, g.detail, g.fields, g.lookback_months::int,
        a.spent, coalesce(a.own, false), a.seq,
        coalesce(v.in_7, 0), coalesce(v.in_30, 0), coalesce(v.in_90, 0),
        r.record_id, r.member_id, r.version, r.epoch, r.disputed, r.suppressed, r.kek_id,
        r.wrapped, r.sealed, r.answer_late,
        s.statement_id, s.record_id, s.kek_id, s.wrapped, s.sealed,
        a.seq > 1 AND p_subject_day <= (SELECT count(*) FROM log_search l
            WHERE l.subject = a.subject AND l.subject <> '' AND l.member_id = p_member
                AND l.kind = 'query' AND l.t >= p_now - p_now % 86400),
        a.ord
    FROM unnest(p_query_id, p_index, p_index_2, p_index_3, p_contact, p_subject, p_key_id,
            v_stored, v_spent, v_own, v_seq)
        WITH ORDINALITY a(query_id, index, index_2, index_3, contact, subject, key_id,
            stored, spent, own, seq, ord)
    LEFT JOIN LATERAL (
        SELECT q.digest, q.leaf_hash, q.sealed, q.key_id FROM query q
        WHERE a.stored AND q.member_id = p_member AND q.query_id = a.query_id OFFSET 0
    ) q ON true
    LEFT JOIN LATERAL (
        SELECT k.key_id, k.kek_id, k.wrapped FROM opening_key k
        WHERE k.key_id = coalesce(q.key_id, a.key_id) OFFSET 0
    ) k ON true
    LEFT JOIN unnest(v_grants) WITH ORDINALITY g ON g.ordinality = a.ord
    LEFT JOIN asked v USING (ord)
    LEFT JOIN said s USING (ord)
    LEFT JOIN LATERAL (
        SELECT e.record_id, e.member_id, e.version, e.epoch, d.record_id IS NOT NULL AS disputed,
            e.suppressed OR EXISTS (SELECT 1 FROM withheld w
                WHERE w.record_id = e.record_id AND e.version <= w.version) AS suppressed,
            e.kek_id, e.wrapped, e.sealed,
            coalesce(d.due_at <= p_now, false) AS answer_late
        FROM record e LEFT JOIN dispute_mark d ON d.record_id = e.record_id
        WHERE a.spent AND e.token_index = ANY (ARRAY[a.index, a.index_2, a.index_3]) AND e.current
    ) r ON true;
END $$;
