"""Reading what a request carries, before its models see it: JSON that PostgreSQL and other readers can hold."""

import codecs
import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import Request

from service.errors import MalformedRequest, Problem, ProblemCode, UnsupportedMedia, ValidationFailed

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100


class Ambiguous(dict[str, Any]):
    """A JSON object in which a name occurs twice: readers differ in which of the two they take."""

    repeated: str


def read_body(request: Request) -> Any:
    """The JSON value of a request's body.

    Raises:
        UnsupportedMedia: there is a body, and it does not say that it is JSON, or says that it is encoded.
        MalformedRequest: it is not JSON.
        RequestEntityTooLarge: it is longer than MAX_BYTES.
    """
    raw = request.get_data(cache=False)
    if not raw:
        raise MalformedRequest("The request needs a JSON object as its body.")
    if not request.is_json:
        raise UnsupportedMedia
    if (encoding := request.headers.get("Content-Encoding", "identity")).lower() != "identity":
        raise UnsupportedMedia(f"Send the request body as it is, without Content-Encoding: {encoding[:40]}.")
    if raw.startswith(codecs.BOM_UTF8):
        raise MalformedRequest("The request body is not valid JSON: it begins with a byte order mark.")
    try:
        # NaN and Infinity, which JSON does not have, are read as such and refused with their field's name.
        return json.loads(raw.decode(), parse_int=_whole_number, parse_constant=float, object_pairs_hook=_members)
    except RecursionError:
        raise MalformedRequest(f"The request body is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeDecodeError as error:
        raise MalformedRequest("The request body is not valid JSON: its text is not UTF-8.") from error
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}"
        raise MalformedRequest(
            f"The request body is not valid JSON: {error.msg.removesuffix(' at')} {where}."
        ) from error


def read_fields(request: Request) -> dict[str, Any]:
    """The members of the JSON object in a request's body; as read_body."""
    body = read_body(request)
    if not isinstance(body, dict):
        raise ValidationFailed([Problem("body", "must be a JSON object", "invalid_type")])
    return body


def unstorable(values: dict[str, Any]) -> list[Problem]:
    """A problem for each member that cannot be stored: NUL or half a surrogate pair, beyond a number's range, nested
    too deep, or with a name twice.
    """
    return [
        Problem(_shown(name), *fault)
        for name, value in values.items()
        if (fault := _fault_of(values, name, value)) is not None
    ]


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode() or '""'


def _fault_of(values: dict[str, Any], name: str, value: Any) -> tuple[str, ProblemCode] | None:
    if isinstance(values, Ambiguous) and values.repeated == name:
        return "must be given once", "repeated"
    return next(_faults({name: value}, 0), None)


def is_text(value: str) -> bool:
    """Whether a string has no half of a surrogate pair."""
    return not any("\ud800" <= mark <= "\udfff" for mark in value)


def _faults(value: Any, depth: int) -> Iterator[tuple[str, ProblemCode]]:
    """Message and code of what is wrong in a value."""
    if depth > MAX_DEPTH:
        yield f"must not be nested deeper than {MAX_DEPTH} levels", "invalid"
    elif isinstance(value, str):
        if "\0" in value:
            yield "must not contain the character U+0000", "invalid"
        if not is_text(value):
            yield "must not contain half of a surrogate pair", "invalid"
    elif isinstance(value, float) and not math.isfinite(value):
        yield "must not contain NaN, a number beyond 1.8e308, or one of thousands of digits", "out_of_range"
    elif isinstance(value, Ambiguous):
        yield f"must not have the name {json.dumps(_shown(value.repeated)[:80])} twice in one object", "repeated"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _faults(key, depth)
            yield from _faults(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _faults(item, depth + 1)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    ambiguous = Ambiguous(members)
    ambiguous.repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return ambiguous


def _whole_number(text: str) -> int | float:
    """The number; infinity, which is refused with its field's name, for one of more digits than are read."""
    try:
        return int(text)
    except ValueError:
        return math.inf
