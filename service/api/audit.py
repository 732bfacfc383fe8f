"""The audit log: who changed what."""

from functools import partial

from service import audit
from service.api import answers
from service.api.cursor import Cursor, within
from service.api.envelope import placed
from service.api.requests import AuditQuery
from service.api.routing import Reply, Resource
from service.api.services import Call

BY_TIME = "audit"

api = Resource("audit")


@api.route("GET", "/audit", query=AuditQuery, answer=list[answers.AuditEntry], scope="admin")
def list_audit(call: Call, query: AuditQuery) -> Reply:
    """List who changed what, newest first."""
    cursor = within(BY_TIME, query.cursor)
    filters = {"tenant_id": call.tenant} | {
        name: getattr(query, name) for name in ("job_id", "entity_id", "action", "actor", "start_time", "end_time")
    }
    with call.transaction() as conn:
        fetched = audit.page(
            conn,
            **filters,
            after_at=cursor and cursor.at,
            after_id=cursor and cursor.id,
            limit=query.page_size + 1,
            offset=query.offset,
        )
        count = partial(audit.count, conn, **filters)
        rows, pagination = placed(query, fetched, count, lambda row: Cursor(BY_TIME, row.at, row.id))
    return Reply(answers.of(answers.AuditEntry, rows), pagination)
