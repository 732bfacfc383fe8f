"""Cursors: the key of a page's last row, in a form that clients hand back unread."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, InstanceOf, WithJsonSchema

from service.api.fields import invalid
from service.errors import Problem, ValidationFailed


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page of a list begins: after the row with this instant (or day, at midnight) and id."""

    list: str  # its name and order
    at: datetime
    id: UUID

    @classmethod
    def of_day(cls, list: str, day: date, id: UUID) -> Self:
        """The cursor of a list that is sorted by day."""
        return cls(list, datetime(day.year, day.month, day.day, tzinfo=UTC), id)

    def __str__(self) -> str:
        text = f"{self.list}|{self.at.astimezone(UTC).isoformat()}|{self.id.hex}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def within(list: str, cursor: Cursor | None) -> Cursor | None:
    """The cursor, which must be of this list in this order.

    Raises: ValidationFailed when it is of another.
    """
    if cursor is not None and cursor.list != list:
        raise ValidationFailed([Problem("cursor", "must be nextCursor of this list, in the same order")])
    return cursor


def _decoded(value: Any) -> Cursor:
    try:
        text = str(value).encode("ascii")
        padded = text + b"=" * (-len(text) % 4)
        list, at, id = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").split("|")
        return Cursor(list, datetime.fromisoformat(at).astimezone(UTC), UUID(hex=id))
    except (ValueError, OverflowError, binascii.Error):
        raise invalid("must be nextCursor of the page before") from None


CursorField = Annotated[InstanceOf[Cursor], BeforeValidator(_decoded), WithJsonSchema({"type": "string"})]
