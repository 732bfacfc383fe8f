"""Loader of sql/queries: a named statement becomes a bound callable.

A block starts with `-- name: claim :many` and runs to the next one. Its cardinality says what a call returns:
`many` a list of rows, `one` a row (NotFound on none), `maybe` a row or None, `value` one column of one row,
`exec` the count of rows touched. Statements reach the driver as they were read, each within a span of its name.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from opentelemetry.trace import SpanKind
from psycopg import Connection
from psycopg.rows import RowMaker, args_row, class_row, tuple_row

from service import tracing
from service.errors import NotFound

QUERIES = Path(__file__).parent.parent / "sql" / "queries"

Row = TypeVar("Row")
_HEADER = re.compile(rb"^-- name: (\w+) :(\w+)[ \t]*$", re.MULTILINE)
_PARAMETER = re.compile(rb"%\((\w+)\)s")
_CARDINALITIES = {"many", "one", "maybe", "value", "exec"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One named block: its text as read, its cardinality and the names of its parameters."""

    name: str
    cardinality: str
    text: bytes
    parameters: frozenset[str]

    def check(self, given: dict[str, object]) -> None:
        """Raise TypeError unless the arguments given are exactly the parameters the text names."""
        if given.keys() != self.parameters:
            missing, surplus = self.parameters - given.keys(), given.keys() - self.parameters
            raise TypeError(f"{self.name}: missing {sorted(missing)}, surplus {sorted(surplus)}")


class Many(Protocol[Row]):
    """A bound statement that returns rows."""

    def __call__(self, conn: Connection[Any], /, **params: object) -> list[Row]:
        """Run the statement on conn."""


def array(values: Sequence[object]) -> str:
    """An array as PostgreSQL reads it, of values whose text has no need of quotes: numbers, words.

    psycopg makes arrays of lists element by element in Python, at several times the cost.
    """
    return _array(values, str)


def uuids(values: Sequence[UUID | None]) -> str:
    """As array(), of UUIDs; without the dashes, which take longer to put in than all the rest."""
    return _array(values, _hex)


def texts(values: Sequence[str | None]) -> str:
    """An array of any texts as PostgreSQL reads it."""
    return _array(values, _quoted)


def _array(values: Sequence[Any], text: Callable[[Any], str]) -> str:
    # A column of a batch often has but one value; its ends tell at once where it has not.
    if values and values[0] == values[-1] and values.count(values[0]) == len(values):
        written = ["NULL" if values[0] is None else text(values[0])] * len(values)
    else:
        written = ["NULL" if value is None else text(value) for value in values]
    return "{" + ",".join(written) + "}"


_hex: Callable[[UUID], str] = operator.attrgetter("hex")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _row_factory(row: type[Row]) -> Callable[[Any], RowMaker[Row]]:
    """class_row, without the detour by names where the columns come in the order of the fields."""
    named = [item.name for item in fields(row)] if is_dataclass(row) else getattr(row, "_fields", ())
    names = [name.encode() for name in named]
    by_name = class_row(row)
    # A named tuple is made by tuple's own constructor: its class's is a function in Python.
    by_position = (lambda _: partial(tuple.__new__, row)) if issubclass(row, tuple) else args_row(row)

    def make(cursor: Any) -> RowMaker[Row]:
        # Asked of libpq, as the driver's own description makes an object of each column, at the cost of ten rows.
        result = cursor.pgresult
        same = result is not None and [result.fname(number) for number in range(result.nfields)] == names
        return by_position(cursor) if same else by_name(cursor)

    return make


def _read(folder: Path) -> dict[str, Statement]:
    statements: dict[str, Statement] = {}
    for path in sorted(folder.glob("*.sql")):
        parts = _HEADER.split(path.read_bytes())
        for label, cardinality, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            name, kind = f"{path.stem}.{label.decode()}", cardinality.decode()
            if name in statements or kind not in _CARDINALITIES:
                raise ValueError(f"{name}: defined twice, or of unknown cardinality {kind!r}")
            parameters = frozenset(match.decode() for match in _PARAMETER.findall(body))
            text = b"-- " + name.encode() + body.rstrip()
            statements[name] = Statement(name, kind, text, parameters)
    return statements


STATEMENTS = _read(QUERIES)
BOUND: list[str] = []


def _bind(name: str, *cardinalities: str) -> Statement:
    statement = STATEMENTS[name]
    if statement.cardinality not in cardinalities:
        raise ValueError(f"{name} is :{statement.cardinality}, bound as {cardinalities}")
    BOUND.append(name)
    return statement


# kept, where a binder has it: a session of the engine keeps the plan, see db.Session.renew_plans.


def many(name: str, row: type[Row], *, binary: bool = False, kept: bool = False) -> Many[Row]:
    """Bind a `:many` statement; each row becomes an instance of `row`.

    Binary results cost server and driver a tenth less, where there are many rows of many columns.
    """
    statement, factory = _bind(name, "many"), _row_factory(row)

    def call(conn: Connection[Any], /, **params: object) -> list[Row]:
        statement.check(params)
        with tracing.span(statement.name, SpanKind.CLIENT):
            cursor = conn.cursor(row_factory=factory, binary=binary)
            return cursor.execute(statement.text, params, prepare=kept).fetchall()

    return call


def maybe(name: str, row: type[Row]) -> Callable[..., Row | None]:
    """Bind a `:maybe` statement: the row, or None."""
    statement = _bind(name, "maybe")

    def call(conn: Connection[Any], /, **params: object) -> Row | None:
        statement.check(params)
        with tracing.span(statement.name, SpanKind.CLIENT):
            cursor = conn.cursor(row_factory=class_row(row))
            return cursor.execute(statement.text, params, prepare=False).fetchone()

    return call


def one(name: str, row: type[Row], *, kept: bool = False) -> Callable[..., Row]:
    """Bind a `:one` statement: the row; raises NotFound when there is none."""
    statement = _bind(name, "one")

    def call(conn: Connection[Any], /, **params: object) -> Row:
        statement.check(params)
        with tracing.span(statement.name, SpanKind.CLIENT):
            cursor = conn.cursor(row_factory=class_row(row))
            found = cursor.execute(statement.text, params, prepare=kept).fetchone()
        if found is None:
            raise NotFound
        return found

    return call


def value(name: str, *, kept: bool = False) -> Callable[..., Any]:
    """Bind a `:value` statement: the first column of its row, or None."""
    statement = _bind(name, "value")

    def call(conn: Connection[Any], /, **params: object) -> Any:
        statement.check(params)
        with tracing.span(statement.name, SpanKind.CLIENT):
            found = conn.cursor(row_factory=tuple_row).execute(statement.text, params, prepare=kept).fetchone()
        return None if found is None else found[0]

    return call


def execute(name: str, *, kept: bool = False) -> Callable[..., int]:
    """Bind an `:exec` statement: the number of rows it touched."""
    statement = _bind(name, "exec")

    def call(conn: Connection[Any], /, **params: object) -> int:
        statement.check(params)
        with tracing.span(statement.name, SpanKind.CLIENT):
            return conn.execute(statement.text, params, prepare=kept).rowcount

    return call
