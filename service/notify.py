"""Wake-ups for the other processes, sent when the transaction commits."""

from service import sql

jobs = sql.execute("tick.notify_jobs")
work = sql.execute("tick.notify_work")
