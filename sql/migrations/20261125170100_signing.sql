-- migrate:up

CREATE TABLE signing_secrets (
    tenant_id text NOT NULL,
    sealed text NOT NULL,
    previous_sealed text,
    previous_until timestamptz,
    rotated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT signing_secrets_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT signing_secrets_tenant_id_pattern CHECK (tenant_id ~ '^[A-Za-z0-9._:-]{1,64}$'),
    CONSTRAINT signing_secrets_previous_ends CHECK ((previous_sealed IS NULL) = (previous_until IS NULL))
);
COMMENT ON TABLE signing_secrets IS
'What a tenant''s calls are signed with; calls of a tenant without a row are not signed. The primary key serves work.claim.';
COMMENT ON COLUMN signing_secrets.sealed IS 'The secret, sealed as jobs.sealed is, bound to its tenant.';
COMMENT ON COLUMN signing_secrets.previous_sealed IS
'The secret before, which calls are signed with too until previous_until, so that receivers can change over.';

ALTER TABLE signing_secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON signing_secrets TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY engine ON signing_secrets TO scheduler_engine USING (TRUE);
GRANT SELECT, INSERT, UPDATE, DELETE ON signing_secrets TO scheduler_api;
GRANT SELECT, UPDATE ON signing_secrets TO scheduler_engine;

-- migrate:down
DROP TABLE signing_secrets;
