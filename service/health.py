"""Health: what the service can tell about itself, without a tenant."""

from service import sql
from service.rows import ServiceState

state = sql.one("health.state", row=ServiceState)
schema_version = sql.value("session.schema_version")
