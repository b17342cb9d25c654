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
END $$;

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
END $$;
