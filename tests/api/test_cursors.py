"""A cursor goes on with the list that gave it, and with no other."""

from itertools import permutations


def test_cursor_of_another_list_or_order_is_refused(api):
    jobs = [api.job()["id"] for _ in range(2)]
    for job in jobs:
        for _ in range(2):
            api.ok("POST", f"/jobs/{job}/trigger", status=202)
    lists = [
        "/jobs?page_size=1",
        "/jobs?page_size=1&upcoming_before=9000-01-01T00:00:00Z",
        "/executions?page_size=1",
        *(f"/jobs/{job}/executions?page_size=1" for job in jobs),
        *(f"/jobs/{job}/occurrences?page_size=1" for job in jobs),
    ]
    cursors = {path: api.page(path)[1]["nextCursor"] for path in lists}

    for path, cursor in cursors.items():
        api.page(f"{path}&cursor={cursor}")
    for path, other in permutations([*lists, "/history?page_size=1"], 2):
        if other in cursors:
            assert {"cursor"} == set(api.invalid("GET", f"{path}&cursor={cursors[other]}"))
