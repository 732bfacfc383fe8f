"""The work that code does, in lines of Python that it runs: the same on every machine, however busy that is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest


@contextmanager
def lines_run(at_most: int) -> Iterator[None]:
    """Fail as soon as the block, with all that it calls, has run more lines than that."""
    left = at_most
    before = sys.gettrace()

    def count(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                pytest.fail(f"more than {at_most:,} lines were run")
        return count

    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)
