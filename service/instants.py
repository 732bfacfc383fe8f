"""Instants as text."""

from datetime import UTC, datetime


def rfc3339(at: datetime) -> str:
    """An instant in UTC with Z, its microseconds only where it has some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
