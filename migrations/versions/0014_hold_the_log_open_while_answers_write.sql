CREATE OR REPLACE FUNCTION open_gate(
    p_member text, p_key text, p_nonce text, p_now bigint, p_log_id int,
    p_after_size bigint, p_after_root text,
    OUT nonce_fresh boolean, OUT key_live boolean, OUT covered_until bigint,
    OUT contributors bigint, OUT after_agrees boolean, OUT earned text
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
END $$;
