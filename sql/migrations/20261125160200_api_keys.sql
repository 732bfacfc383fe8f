-- migrate:up

-- The command line manages the keys of all tenants, and neither the API nor the engine may.
DO $$
BEGIN
    BEGIN
        CREATE ROLE scheduler_admin NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    IF NOT pg_has_role(current_user, 'scheduler_admin', 'SET') THEN
        GRANT scheduler_admin TO CURRENT_USER;
    END IF;
END
$$;

CREATE TABLE api_keys (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scope text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_hash_key UNIQUE (hash),
    CONSTRAINT api_keys_tenant_id_pattern CHECK (tenant_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT api_keys_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT api_keys_prefix_length CHECK (char_length(prefix) BETWEEN 1 AND 16),
    CONSTRAINT api_keys_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT api_keys_scope_known CHECK (scope IN ('read', 'write', 'admin')),
    CONSTRAINT api_keys_expires_later CHECK (expires_at > created_at)
);
COMMENT ON TABLE api_keys IS 'Keys that open the API, each to one tenant. Revoked ones stay, so that the audit log can be read.';
COMMENT ON COLUMN api_keys.prefix IS 'How the key begins, to recognize it by.';
COMMENT ON COLUMN api_keys.hash IS
'SHA-256 of the key, which find_api_key looks up. A key is 256 random bits, so nobody finds it by trying: a slow hash, which guards what people choose, would only cost every request.';
COMMENT ON COLUMN api_keys.scope IS 'read (GET only), write (all but the audit log), admin (all).';
COMMENT ON COLUMN api_keys.last_used_at IS 'Written once a minute at most.';
COMMENT ON INDEX api_keys_hash_key IS 'Serves keys.find, through find_api_key.';
CREATE INDEX api_keys_tenant_idx ON api_keys (tenant_id, created_at, id);
COMMENT ON INDEX api_keys_tenant_idx IS 'Serves keys.list.';

CREATE FUNCTION find_api_key(digest bytea) RETURNS TABLE (id uuid, tenant_id text, scope text, hash bytea)
LANGUAGE sql
SECURITY DEFINER
SET search_path TO public, pg_temp
BEGIN ATOMIC
    WITH live AS (
        SELECT k.id, k.tenant_id, k.scope, k.hash
        FROM api_keys AS k
        WHERE k.hash = digest AND k.revoked_at IS NULL AND (k.expires_at > now() OR k.expires_at IS NULL)
    ),

    stale AS (
        SELECT k.id
        FROM api_keys AS k
        INNER JOIN live AS l ON k.id = l.id
        WHERE k.last_used_at < now() - INTERVAL '1 minute' OR k.last_used_at IS NULL
        FOR UPDATE OF k SKIP LOCKED
    ),

    used AS (
        UPDATE api_keys AS k
        SET last_used_at = now()
        FROM stale AS s
        WHERE k.id = s.id
    )

    SELECT l.id, l.tenant_id, l.scope, l.hash FROM live AS l;
END;
COMMENT ON FUNCTION find_api_key IS
'The key with this hash, unless it is revoked or has expired, whoever''s it is: a request''s tenant is not known before. Runs as the owner, so that the API can look up a key it was shown and no other.';

CREATE FUNCTION audit_key() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path TO public, pg_temp
AS $$
DECLARE
    hidden text [] := ARRAY['id', 'tenant_id', 'hash', 'last_used_at'];
    key api_keys := coalesce(new, old);
    was jsonb := CASE WHEN tg_op <> 'INSERT' THEN to_jsonb(old) - hidden END;
    is_now jsonb := CASE WHEN tg_op <> 'DELETE' THEN to_jsonb(new) - hidden END;
BEGIN
    IF was = is_now AND new.hash = old.hash AND new.tenant_id = old.tenant_id THEN
        RETURN NULL;
    END IF;
    PERFORM record_audit(
        key.tenant_id,
        CASE
            WHEN tg_op = 'INSERT' THEN 'key.create'
            WHEN tg_op = 'DELETE' THEN 'key.purge'
            WHEN old.revoked_at IS NULL AND new.revoked_at IS NOT NULL THEN 'key.revoke'
            ELSE 'key.update'
        END,
        key.id, NULL, audit_changes(was, is_now), audit_changes(is_now, was)
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION audit_key IS 'Record what happens to a key, whoever does it; its hash is not shown.';
CREATE TRIGGER api_keys_audit
AFTER INSERT OR DELETE OR UPDATE OF id, tenant_id, name, prefix, hash, scope, created_at, expires_at, revoked_at
ON api_keys
FOR EACH ROW EXECUTE FUNCTION audit_key();
COMMENT ON TRIGGER api_keys_audit ON api_keys IS 'Every change of a key goes to audit_log, save its last use.';

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY admin ON api_keys TO scheduler_admin USING (TRUE);
GRANT SELECT (id, tenant_id, name, prefix, scope, created_at, expires_at, revoked_at, last_used_at),
INSERT (tenant_id, name, prefix, hash, scope, expires_at), UPDATE (revoked_at) ON api_keys TO scheduler_admin;
REVOKE EXECUTE ON FUNCTION find_api_key FROM public;
GRANT EXECUTE ON FUNCTION find_api_key TO scheduler_api;

COMMENT ON COLUMN audit_log.request_id IS 'X-Request-ID of the API request, as the service''s log has it too.';

-- migrate:down
COMMENT ON COLUMN audit_log.request_id IS 'traceId of the API request.';
DROP FUNCTION find_api_key;
DROP TABLE api_keys;
DROP FUNCTION audit_key;

-- Another database of the cluster may still use it.
DO $$
BEGIN
    DROP ROLE IF EXISTS scheduler_admin;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    RAISE NOTICE 'role scheduler_admin stays: it is in use elsewhere';
END
$$;
