"""Masks: takes secret values out of a job's headers and payload, and puts them back for the call. Pure.

A job is stored with MASK in place of each secret value, so whatever is read of it shows masks; the values go apart.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from service.errors import Problem, ValidationFailed
from service.rows import JobDefinition

MASK = "********"
FIELDS = frozenset({"headers", "payload", "secrets"})  # a change of these changes what is secret
ALWAYS_SECRET = frozenset(
    {"authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-auth-token", "x-access-token"}
)
SHORTEST_HIDDEN = 8  # characters; a shorter value would hide half of an innocent answer
UNNAMED = "is not named secret any more, so its stored value would show; send another value for it, or leave it out"
NOT_KEPT = "is sent as the mask, but there is no stored value to keep; send the value"


@dataclass(frozen=True, slots=True)
class Values:
    """The secret values of a job."""

    headers: dict[str, str] = field(default_factory=dict)  # by name in lower case
    payload: dict[str, Any] = field(default_factory=dict)  # by JSON pointer

    def __bool__(self) -> bool:
        return bool(self.headers or self.payload)


def conceal(
    wanted: JobDefinition, sent: Collection[str], before: Mapping[str, str], kept: Values
) -> tuple[JobDefinition, Values]:
    """A definition with masks in place of its secret values, and those values.

    Args:
        wanted: the definition, with values that are new, and masks or nothing for those that stay.
        sent: the fields that the client has sent; the others are as they are stored.
        before: the headers stored until now, of which secret ones may be left out.
        kept: the values stored until now, from kept_of.

    Raises:
        ValidationFailed: a name or pointer names nothing, or a mask stands where no value can be kept.
    """
    strict = "secrets" in sent
    names, pointers = wanted.secrets.get("headers", []), wanted.secrets.get("payload", [])
    problems: list[Problem] = []
    headers, secret_headers = _conceal_headers(_with_kept(wanted.headers, names, before, kept), names, kept, problems)
    payload, secret_payload = _conceal_payload(wanted.payload, pointers, kept, problems)
    present = {name.lower() for name in headers}
    if strict:
        problems += [_nothing("headers", name) for name in names if name.lower() not in present]
        problems += [_nothing("payload", pointer) for pointer in pointers if pointer not in secret_payload]
    if problems:
        raise ValidationFailed(problems)
    named = {
        "headers": [name for name in names if name.lower() in present],
        "payload": [pointer for pointer in pointers if pointer in secret_payload],
    }
    return replace(wanted, headers=headers, payload=payload, secrets=named), Values(secret_headers, secret_payload)


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with a mask for each that always is secret, as old rows may still hold one."""
    return {name: MASK if name.lower() in ALWAYS_SECRET else value for name, value in headers.items()}


def kept_of(headers: Mapping[str, str], opened: Values) -> Values:
    """The stored values of a job, with those that a row from before there were secrets has among its headers."""
    plain = {name.lower(): value for name, value in headers.items() if name.lower() in ALWAYS_SECRET and value != MASK}
    return Values(opened.headers | plain, opened.payload)


def _with_kept(
    headers: Mapping[str, str | None], names: list[str], before: Mapping[str, str], kept: Values
) -> dict[str, str | None]:
    """The headers, with a mask for each secret one that was left out."""
    present = {name.lower() for name in headers}
    left_out = {
        name: MASK
        for name in before
        if name.lower() in kept.headers and name.lower() not in present and _is_secret(name, names)
    }
    return dict(headers) | left_out


def _is_secret(name: str, names: list[str]) -> bool:
    return name.lower() in ALWAYS_SECRET or name.lower() in {item.lower() for item in names}


def _conceal_headers(
    headers: Mapping[str, str | None], names: list[str], kept: Values, problems: list[Problem]
) -> tuple[dict[str, str], dict[str, str]]:
    shown: dict[str, str] = {}
    values: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        if value is None:
            continue
        if not _is_secret(name, names):
            if value == MASK and key in kept.headers:
                problems.append(Problem(f"headers.{name}", UNNAMED))
            shown[name] = value
            continue
        if value == MASK and key not in kept.headers:
            problems.append(Problem(f"headers.{name}", NOT_KEPT))
        shown[name], values[key] = MASK, kept.headers.get(key, value) if value == MASK else value
    return shown, values


def _conceal_payload(
    payload: Any, pointers: list[str], kept: Values, problems: list[Problem]
) -> tuple[Any, dict[str, Any]]:
    holder = [deepcopy(payload)] if pointers or kept.payload else [payload]
    for pointer in kept.payload.keys() - pointers:
        if _find(holder, pointer) == (True, MASK):
            problems.append(Problem("payload", f"at {pointer} {UNNAMED}"))
    values: dict[str, Any] = {}
    for pointer in pointers if payload is not None else []:
        found, value = _find(holder, pointer)
        if (not found or value == MASK) and pointer in kept.payload:
            value = kept.payload[pointer]
        elif not found:
            continue
        elif value == MASK:
            problems.append(Problem("payload", f"at {pointer} {NOT_KEPT}"))
        values[pointer] = value
        if not _put(holder, pointer, MASK):
            message = f"has no place for the secret at {pointer}; send it with one, or secrets that do not name it"
            problems.append(Problem("payload", message))
    return holder[0], values


def _nothing(field: str, name: str) -> Problem:
    return Problem(f"secrets.{field}", f"names {name[:200]}, which {field} does not have")


def reveal_headers(headers: Mapping[str, str], values: Values) -> dict[str, str]:
    """The headers with their secret values in place."""
    return {
        name: values.headers.get(name.lower(), value) if value == MASK else value for name, value in headers.items()
    }


def reveal_payload(payload: str | None, values: Values) -> str | None:
    """The payload, as JSON text, with its secret values in place."""
    if payload is None or not values.payload:
        return payload
    holder = [json.loads(payload)]
    for pointer, value in values.payload.items():
        if _find(holder, pointer) == (True, MASK):
            _put(holder, pointer, value)
    return json.dumps(holder[0], ensure_ascii=False)


def hidden_texts(values: Values) -> tuple[str, ...]:
    """What of the secret values must not show in an answer, the longest first."""
    found: set[str] = set()
    for value in values.headers.values():
        found |= {value.strip(), value.strip().partition(" ")[2].strip()}  # the credentials behind their scheme too
    for value in values.payload.values():
        found |= set(_texts(value))
    found |= {json.dumps(text)[1:-1] for text in found} | {json.dumps(text, ensure_ascii=False)[1:-1] for text in found}
    return tuple(sorted((text for text in found if len(text) >= SHORTEST_HIDDEN), key=len, reverse=True))


def hide(text: str | None, hidden: Collection[str], cut: bool = False) -> str | None:
    """The text with a mask for each hidden one in it, and for the beginning of one at its end if it was cut there."""
    if not text:
        return text
    for secret in hidden:
        text = text.replace(secret, MASK)
    if cut:
        for secret in hidden:
            text = _without_beginning(text, secret)
    return text


def _without_beginning(text: str, secret: str) -> str:
    for length in range(len(secret) - 1, SHORTEST_HIDDEN - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + MASK
    return text


def _texts(value: Any) -> Iterator[str]:
    """The text of each string and number in a JSON value."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _parts(pointer: str) -> list[str]:
    """The keys of a JSON pointer. Source: RFC 6901 section 4."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(container: list[Any], part: str) -> int | None:
    whole = part.isascii() and part.isdigit() and (part == "0" or part[0] != "0") and len(part) < 10
    return int(part) if whole and int(part) < len(container) else None


def _step(container: Any, part: str) -> tuple[bool, Any]:
    if isinstance(container, dict) and part in container:
        return True, container[part]
    if isinstance(container, list) and (index := _index(container, part)) is not None:
        return True, container[index]
    return False, None


def _find(holder: list[Any], pointer: str) -> tuple[bool, Any]:
    """Whether there is something at a pointer into the one value of holder, and what."""
    found, value = True, holder[0]
    for part in _parts(pointer):
        found, value = _step(value, part)
        if not found:
            break
    return found, value


def _put(holder: list[Any], pointer: str, value: Any) -> bool:
    """Set what is at a pointer, making objects on the way to it; False where something else is in the way."""
    container: Any = holder
    keys = ["0", *_parts(pointer)]
    for part in keys[:-1]:
        found, inner = _step(container, part)
        if not found and isinstance(container, dict):
            inner = container[part] = {}
        container = inner
    if isinstance(container, dict):
        container[keys[-1]] = value
    elif isinstance(container, list) and (index := _index(container, keys[-1])) is not None:
        container[index] = value
    else:
        return False
    return True
