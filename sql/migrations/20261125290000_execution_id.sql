-- migrate:up

-- The same ids as before, in a third of the time: a function of SQL within another was taken apart by nobody, and worked
-- out its argument for each part of the id anew.
CREATE OR REPLACE FUNCTION execution_id_at(at timestamptz, rest uuid) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    digits text := replace(rest::text, '-', '');
BEGIN
    RETURN (
        lpad(to_hex(floor(extract(EPOCH FROM at) * 1000)::bigint), 12, '0')
        || '7' || substr(digits, 14, 3)
        || translate(substr(digits, 18, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(digits, 18, 15)
    )::uuid;
END
$$;

CREATE OR REPLACE FUNCTION execution_id(job_id uuid, scheduled_at timestamptz) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN execution_id_at(
        scheduled_at, md5(job_id::text || ' ' || extract(EPOCH FROM scheduled_at)::text)::uuid
    );
END
$$;

-- migrate:down

CREATE OR REPLACE FUNCTION execution_id(job_id uuid, scheduled_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN execution_id_at(
    scheduled_at, md5(job_id::text || ' ' || extract(EPOCH FROM scheduled_at)::text)::uuid
);

CREATE OR REPLACE FUNCTION execution_id_at(at timestamptz, rest uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    lpad(to_hex(floor(extract(EPOCH FROM at) * 1000)::bigint), 12, '0')
    || '7' || substr(replace(rest::text, '-', ''), 14, 3)
    || to_hex(8 + get_byte(uuid_send(rest), 8) % 4) || substr(replace(rest::text, '-', ''), 18, 15)
)::uuid;
