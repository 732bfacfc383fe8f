-- migrate:up
CREATE TABLE endpoint_breakers (
    opened_at timestamptz NOT NULL DEFAULT now(),
    probe_at timestamptz NOT NULL,
    changed_by uuid,
    probes integer NOT NULL DEFAULT 0,
    failures integer NOT NULL,
    tenant_id text NOT NULL,
    host text NOT NULL,
    CONSTRAINT endpoint_breakers_pkey PRIMARY KEY (tenant_id, host),
    CONSTRAINT endpoint_breakers_host_length CHECK (char_length(host) <= 2048)
);
COMMENT ON TABLE endpoint_breakers IS
'Hosts that a tenant''s executions are not called at for now, since calls to them failed to connect or timed out many times in a row. A breaker that closes is deleted. While it is here, one call is let through as a probe whenever probe_at has come.';
COMMENT ON COLUMN endpoint_breakers.host IS 'Name and port, as in example.org:443.';
COMMENT ON COLUMN endpoint_breakers.failures IS 'Failures in a row after which it was opened.';
COMMENT ON COLUMN endpoint_breakers.probe_at IS 'When the next call may go through: sooner after the first probes, later after more.';
COMMENT ON COLUMN endpoint_breakers.probes IS 'Probes let through since it was opened.';
COMMENT ON COLUMN endpoint_breakers.changed_by IS 'The worker that opened it, or let the newest probe through.';

ALTER TABLE endpoint_breakers ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON endpoint_breakers TO scheduler_api USING (tenant_id = current_tenant());
CREATE POLICY engine ON endpoint_breakers TO scheduler_engine USING (TRUE);
GRANT SELECT, INSERT, UPDATE, DELETE ON endpoint_breakers TO scheduler_engine;

ALTER TABLE execution_queue ADD COLUMN put_off_for text;
COMMENT ON COLUMN execution_queue.put_off_for IS
'The host whose open breaker this execution waits for: it was claimed, not called, and put off with its attempt unspent. The next claim empties it.';

-- migrate:down
-- squawk-ignore ban-drop-column
ALTER TABLE execution_queue DROP COLUMN put_off_for;
DROP TABLE endpoint_breakers;
