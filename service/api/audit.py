"""The audit log: who changed what."""

from service import audit
from service.api import answers
from service.api.cursor import Cursor, within
from service.api.envelope import COUNT_LIMIT, placed, total_of
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
        total = total_of(query, fetched, lambda: audit.count(conn, **filters, limit=COUNT_LIMIT))
    rows, pagination = placed(query, fetched, total, lambda row: Cursor(BY_TIME, row.at, row.id))
    return Reply(answers.of(answers.AuditEntry, rows), pagination)
