-- migrate:up
CREATE TABLE idempotency_keys (
    tenant_id text NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body text,
    etag text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key),
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_status_in_range CHECK (status BETWEEN 200 AND 499)
);
COMMENT ON TABLE idempotency_keys IS
'Answers to POST requests that came with an Idempotency-Key, each written in the transaction of what the request did, so that neither is there without the other. Kept for a day.';
COMMENT ON COLUMN idempotency_keys.request IS 'Method and path that the key was first sent with.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'Digest of the parameters and the body that it was first sent with: HMAC-SHA-256 under the secrets key, or plain SHA-256 where there is none.';
COMMENT ON COLUMN idempotency_keys.body IS 'The answer''s text as it was sent; NULL where it had none.';
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);
COMMENT ON INDEX idempotency_keys_created_idx IS 'Serves upkeep.purge_idempotency_keys.';

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY engine ON idempotency_keys TO scheduler_engine USING (TRUE);
GRANT SELECT, INSERT, UPDATE ON idempotency_keys TO scheduler_api;
GRANT SELECT, DELETE ON idempotency_keys TO scheduler_engine;

-- migrate:down
DROP TABLE idempotency_keys;
