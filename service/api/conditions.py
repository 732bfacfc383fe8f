"""Conditional requests on jobs: the ETag of an answer, and what If-Match and If-None-Match demand of it.

Source: RFC 9110 sections 8.8.3, 13.1.1, 13.1.2 and 13.2.2.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from werkzeug.datastructures import Headers

from service.errors import PreconditionFailed, Problem

IF_MATCH, IF_NONE_MATCH = "If-Match", "If-None-Match"
ENTITY_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
LIST = re.compile(rf"[ \t,]*{ENTITY_TAG.pattern}(?:[ \t]*,[ \t,]*{ENTITY_TAG.pattern})*[ \t,]*")
PATTERN = rf"^(?:[ \t]*\*[ \t]*|{LIST.pattern})$"  # as JSON Schema says it
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Versioned(Protocol):
    """What a tag is made of: a row of jobs, or an answer about one."""

    @property
    def version(self) -> int:
        """Counts the edits."""

    @property
    def status(self) -> str:
        """The engine changes it too, when a job is completed."""

    @property
    def updated_at(self) -> datetime:
        """Of the latest change by a client, of definition or status."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The value of one of the two headers."""

    any: bool  # "*"
    tags: frozenset[str]

    def name(self, tag: str, *, weakly: bool) -> bool:
        """Whether a current tag, a strong one, is among them."""
        return self.any or tag in self.tags or (weakly and f"W/{tag}" in self.tags)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a request demands of the job's present state; None: nothing."""

    if_match: Tags | None = None
    if_none_match: Tags | None = None

    def __bool__(self) -> bool:
        return self.if_match is not None or self.if_none_match is not None

    def check(self, job: Versioned | None) -> None:
        """Raise PreconditionFailed unless the job, or that there is none, is what a change demands."""
        self.check_match(job)
        if job is not None and self.matches(etag(job)):
            raise PreconditionFailed(f"{IF_NONE_MATCH} demands that the job is not as it is: its ETag is {etag(job)}.")

    def check_match(self, job: Versioned | None) -> None:
        """Raise PreconditionFailed unless the job is one that If-Match names, if it is there."""
        if self.if_match is None:
            return
        if job is None:
            raise PreconditionFailed(f"There is no such job, and {IF_MATCH} demands one.")
        if not self.if_match.name(etag(job), weakly=False):
            raise PreconditionFailed(_stale(etag(job)))

    def matches(self, tag: str) -> bool:
        """Whether If-None-Match names a tag: who reads has that state already, who writes must not."""
        return self.if_none_match is not None and self.if_none_match.name(tag, weakly=True)


def etag(job: Versioned) -> str:
    """A strong tag that changes with definition and status, and not with the counts of its runs."""
    return f'"{job.version}-{job.status}-{(job.updated_at - EPOCH) // timedelta(microseconds=1):x}"'


def read(headers: Headers, problems: list[Problem]) -> Conditions:
    """The conditions of a request; adds a problem for each header that is malformed."""
    return Conditions(_tags(headers, IF_MATCH, problems), _tags(headers, IF_NONE_MATCH, problems))


def _tags(headers: Headers, name: str, problems: list[Problem]) -> Tags | None:
    value = headers.get(name)
    if value is None:
        return None
    if value.strip(" \t") == "*":
        return Tags(any=True, tags=frozenset())
    if not LIST.fullmatch(value):
        problems.append(Problem(name, 'must be * or tags as ETag has them, in double quotes, such as "1-active-5f3a"'))
    return Tags(any=False, tags=frozenset(match[0] for match in ENTITY_TAG.finditer(value)))


def _stale(tag: str) -> str:
    return f"The job has changed since it was read: its ETag is {tag} now. Read it again, and send the change anew."
