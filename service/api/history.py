"""History: what finished, by job and UTC day, and what that adds up to."""

from functools import partial

from service import executions, history
from service.api import answers
from service.api.cursor import Cursor, within
from service.api.envelope import placed
from service.api.executions import SAMPLE
from service.api.requests import HistoryQuery, Window
from service.api.routing import Reply, Resource
from service.api.services import Call
from service.api.windows import window_of

BY_DAY = "history by date"

api = Resource("history")


@api.route("GET", "/history", query=HistoryQuery, answer=list[answers.HistoryDay])
def list_history(call: Call, query: HistoryQuery) -> Reply:
    """List what finished, a row per job and day, newest first."""
    cursor = within(BY_DAY, query.cursor)
    with call.transaction() as conn:
        start, end = window_of(conn, query)
        filters = {"tenant_id": call.tenant, "start_date": start, "end_date": end, "job_id": query.job_id}
        fetched = history.page(
            conn,
            **filters,
            after_date=cursor and cursor.at.date(),
            after_id=cursor and cursor.id,
            limit=query.page_size + 1,
            offset=query.offset,
        )
        count = partial(history.count, conn, **filters)
        rows, pagination = placed(query, fetched, count, lambda row: Cursor.of_day(BY_DAY, row.date, row.job_id))
    return Reply(answers.of(answers.HistoryDay, rows), pagination)


@api.route("GET", "/history/stats", query=Window, answer=answers.HistoryStats)
def history_stats(call: Call, query: Window) -> Reply:
    """Add up a window, day by day, with percentiles of duration and lag."""
    with call.transaction() as conn:
        start, end = window_of(conn, query)
        whole, *days = history.stats(conn, tenant_id=call.tenant, start_date=start, end_date=end, job_id=query.job_id)
        newest = executions.percentiles(
            conn, tenant_id=call.tenant, start_date=start, end_date=end, job_id=query.job_id, limit=SAMPLE
        )
    return Reply(
        answers.HistoryStats(
            start_date=start,
            end_date=end,
            job_id=query.job_id,
            totals=answers.of(answers.HistorySums, whole),
            percentiles=answers.of(answers.Percentiles, newest),
            days=answers.of(answers.HistorySumOfDay, days),
        )
    )
