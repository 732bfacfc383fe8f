-- migrate:up

-- The same ids as before, in a quarter of the time: as a function of SQL it was a call within a call, neither of which
-- the planner took apart, and the digest was made three times.
CREATE OR REPLACE FUNCTION execution_id(job_id uuid, scheduled_at timestamptz) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    rest text := md5(job_id::text || ' ' || extract(EPOCH FROM scheduled_at)::text);
BEGIN
    RETURN (
        lpad(to_hex(floor(extract(EPOCH FROM scheduled_at) * 1000)::bigint), 12, '0')
        || '7' || substr(rest, 14, 3)
        || translate(substr(rest, 18, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(rest, 18, 15)
    )::uuid;
END
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION execution_id(job_id uuid, scheduled_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN execution_id_at(
    scheduled_at, md5(job_id::text || ' ' || extract(EPOCH FROM scheduled_at)::text)::uuid
);
