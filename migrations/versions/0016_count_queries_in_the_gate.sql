CREATE OR REPLACE FUNCTION count_queries(
    p_member text, p_now bigint, p_query_ids uuid[], p_operators bytea[], p_subjects text[],
    p_operator_hour int, p_subject_day int, p_day int, p_new_member_day int,
    p_new_member_seconds bigint
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_day bigint := p_now - p_now % 86400;
    v_slot int := abs(hashtext(p_query_ids[1]::text) % 8);
    v_spent text;
    v_left int;
    v_most int;
    v_take int;
    v_row record;
BEGIN
    WITH fresh AS MATERIALIZED (
        SELECT a.operator, a.subject
        FROM unnest(p_query_ids, p_operators, p_subjects) AS a(query_id, operator, subject)
        WHERE NOT EXISTS (SELECT 1 FROM query q
            WHERE q.member_id = p_member AND q.query_id = a.query_id)
    ), wanted AS (
        SELECT 'operator/' || encode(f.operator, 'hex') AS what, p_now - p_now % 3600 AS period,
            count(*) AS n, p_operator_hour AS most
        FROM fresh f GROUP BY f.operator
        UNION ALL
        SELECT 'subject/' || f.subject, v_day, count(*), p_subject_day
        FROM fresh f GROUP BY f.subject
    ), counted AS (
        INSERT INTO quota AS c (member_id, what, period, used)
        SELECT p_member, w.what, w.period, w.n FROM wanted w ORDER BY w.what
        ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
        RETURNING c.what, c.used
    )
    SELECT split_part(min(c.what) FILTER (WHERE c.used > w.most), '/', 1),
        (SELECT count(*) FROM fresh)
    INTO v_spent, v_left FROM counted c JOIN wanted w ON w.what = c.what;
    IF v_spent IS NOT NULL OR v_left = 0 THEN
        RETURN v_spent;
    END IF;

    SELECT CASE WHEN p_now < m.enrolled_at + p_new_member_seconds
        THEN least(p_day, p_new_member_day) ELSE p_day END
    INTO v_most FROM member m WHERE m.member_id = p_member;
    INSERT INTO quota AS c (member_id, what, period, used)
    SELECT p_member, 'queries/' || v_slot, v_day, v_left
    WHERE v_left <= v_most / 8 + (v_slot < v_most % 8)::int
    ON CONFLICT (member_id, what, period) DO UPDATE SET used = c.used + excluded.used
        WHERE c.used + excluded.used <= v_most / 8 + (v_slot < v_most % 8)::int;
    IF FOUND THEN
        RETURN NULL;
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
    RETURN CASE WHEN v_left > 0 THEN 'member' END;
END $$;

CREATE OR REPLACE FUNCTION open_gate(
    p_member text, p_key text, p_nonce text, p_now bigint, p_log_id int,
    p_after_size bigint, p_after_root text,
    p_query_ids uuid[], p_operators bytea[], p_subjects text[],
    p_operator_hour int, p_subject_day int, p_day int, p_new_member_day int,
    p_new_member_seconds bigint,
    OUT nonce_fresh boolean, OUT key_live boolean, OUT covered_until bigint,
    OUT contributors bigint, OUT after_agrees boolean, OUT earned text, OUT quota_spent text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    -- Held until the answer is committed: the log of a year is closed by whoever holds it alone.
    PERFORM pg_advisory_xact_lock_shared(7163384699739271170);
    INSERT INTO nonce (member_id, nonce, seen_at) VALUES (p_member, p_nonce, p_now)
    ON CONFLICT DO NOTHING;
    nonce_fresh := FOUND;
    -- The standing of the key is read in the transaction that acts on it.
    key_live := EXISTS (
        SELECT 1 FROM member_key k JOIN member m USING (member_id)
        WHERE k.member_id = p_member AND k.key = p_key AND m.status = 'ACTIVE'
            AND k.revoked_at IS NULL AND k.not_before <= p_now AND p_now < k.not_after);
    SELECT s.covered_until INTO covered_until FROM log_state s JOIN log l USING (log_id)
    WHERE s.log_id = p_log_id AND l.closed_at IS NULL;
    covered_until := coalesce(covered_until, 0);
    SELECT count(*) INTO contributors FROM member m
    WHERE m.status = 'ACTIVE' AND 'contributor' = ANY (m.roles) AND m.member_id <> p_member;
    after_agrees := p_after_size = 0 OR EXISTS (
        SELECT 1 FROM log l JOIN checkpoint c USING (log_id) WHERE c.size = p_after_size
            AND encode(c.root, 'base64') = p_after_root);
    -- How deep the asker's own contribution lets answers go, as announced for this time.
    SELECT r.earned INTO earned FROM reciprocity r
    WHERE r.member_id = p_member AND r.effective_at <= p_now
    ORDER BY r.effective_at DESC LIMIT 1;
    earned := coalesce(earned, 'ALL');
    IF nonce_fresh AND key_live THEN
        quota_spent := count_queries(p_member, p_now, p_query_ids, p_operators, p_subjects,
            p_operator_hour, p_subject_day, p_day, p_new_member_day, p_new_member_seconds);
    END IF;
END $$;
