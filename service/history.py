"""History: what the daily roll-ups say."""

from service import sql
from service.rows import HistoryDay, HistorySum

page = sql.many("history.list", row=HistoryDay)
count = sql.value("history.count")
stats = sql.many("history.stats", row=HistorySum)
