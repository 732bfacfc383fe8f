"""Instants as text."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(256)  # much is scheduled for the same instant
def rfc3339(at: datetime) -> str:
    """An instant in UTC with Z, its microseconds only where it has some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
