"""The file of a tenant's jobs: read into definitions, checked as the API checks them, and written from jobs.

    jobs:
      nightly-report:
        type: cron
        schedule: "0 2 * * *"
        endpoint: https://reports.example.com/run

A job is named by its key. What it leaves out takes its default, and its name is its key. Top-level names that begin
with `x-` are free, for anchors. The file is YAML as JSON's types have it: dates are text, and only true and false
are truth values.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from service.api import messages
from service.api.fields import KEY, KEY_RULE
from service.api.requests import JobCreate
from service.cli.exits import FileFault
from service.errors import Problem

FIELDS = [name for name in JobCreate.model_fields if name != "key"]
Fault = tuple[tuple[str, ...], str]  # where in the file, below `jobs`, and what
HEADER = """\
# Jobs by key. Apply with: python -m service apply -f FILE
# What a job leaves out takes its default; ******** stands for a secret and keeps it.
"""


@dataclass(frozen=True, slots=True)
class Definition:
    """A job as a file or a service has it, values in the API's own form."""

    key: str
    values: Mapping[str, Any]  # defaults filled in, as far as they are known
    said: frozenset[str] = frozenset()  # fields that the file gives

    @property
    def body(self) -> dict[str, Any]:
        """What creates or replaces the job: what the file says, so that the service fills in the rest."""
        return {name: value for name, value in self.values.items() if name in self.said}


class _Loader(yaml.SafeLoader):
    """YAML with JSON's types, which refuses a name given twice."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as the base class has it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping, unless a name is in it twice."""
        seen: set[str] = set()
        for name, _ in node.value:
            if name.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(name, yaml.ScalarNode) or name.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "names must be text", name.start_mark)
            if name.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f'"{name.value}" is given twice', name.start_mark)
            seen.add(name.value)
        return super().construct_mapping(node, deep)


# A subset of what PyYAML's dumper quotes, so that what it writes plain is read as the same text.
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"-?(0|[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+][0-9]+)?$"), list("-0123456789")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<$"), ["<"])


class _Dumper(yaml.SafeDumper):
    """Block style, text of several lines as it is, lists indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists within mappings too."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write what is equal out in full."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def load(text: str) -> Any:
    """What a YAML text says.

    Raises: FileFault with the line.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FileFault(f"line {mark.line + 1 if mark else '?'}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileFault(" ".join(str(error).split())) from error


def parse(text: str, defaults: Mapping[str, Any]) -> dict[str, Definition]:
    """The jobs of a file by key.

    Args:
        defaults: what the service fills in for fields that are left out.

    Raises:
        FileFault: with a line for each fault.
    """
    content = load(text)
    faults, jobs = _outline(content)
    definitions: dict[str, Definition] = {}
    for key, given in jobs.items():
        definitions[key], problems = checked(key, given, defaults)
        faults += [((key, *item.field.split(".")), f"{key}: {item.field} {item.message}") for item in problems]
    if faults:
        lines = _lines(text)
        placed = sorted((_line_of(lines, path), fault) for path, fault in faults)
        raise FileFault("\n".join(f"line {line}: {fault}" for line, fault in placed))
    return definitions


def _outline(content: Any) -> tuple[list[Fault], dict[str, dict[str, Any]]]:
    """The faults of a file's upper two levels, each with its place, and the jobs that are mappings."""
    if not isinstance(content, dict) or not isinstance(content.get("jobs"), dict):
        return [((), "expected `jobs:` with a mapping of keys to jobs ({} for none)")], {}
    faults: list[Fault] = [
        ((name,), f"{name} is not known here; there is jobs, and names beginning with x-")
        for name in content
        if name != "jobs" and not name.startswith("x-")
    ]
    for key, given in content["jobs"].items():
        if not KEY.fullmatch(key):
            faults.append(((key,), f"{key}: a key is {KEY_RULE}"))
        if not isinstance(given, dict):
            faults.append(((key,), f"{key}: expected the fields of a job"))
    return faults, {key: given for key, given in content["jobs"].items() if isinstance(given, dict)}


def checked(key: str, given: dict[str, Any], defaults: Mapping[str, Any]) -> tuple[Definition, list[Problem]]:
    """A job's whole definition, and every field that breaks a rule of the API."""
    if "key" in given:
        return Definition(key, {}), [Problem("key", "is the name above the job; leave the field out")]
    said = {"name": key} | given
    try:
        values = JobCreate.model_validate(said).model_dump(mode="json", include=set(FIELDS))
    except ValidationError as error:
        return Definition(key, {}), messages.problems(error)
    whole = {name: values[name] for name in FIELDS if name in said}
    return Definition(
        key, {**{name: defaults[name] for name in FIELDS if name in defaults}, **whole}, frozenset(said)
    ), []


def of_job(job: Mapping[str, Any]) -> Definition:
    """The definition of a job that the API gave."""
    return Definition(job["key"], {name: job[name] for name in FIELDS if name in job})


def written(definitions: Mapping[str, Definition], defaults: Mapping[str, Any]) -> str:
    """The file that says these definitions: jobs by key, fields in the API's order, defaults left out."""
    jobs = {key: _told(definitions[key], defaults) for key in sorted(definitions)}
    body = yaml.dump({"jobs": jobs}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return HEADER + re.sub(r"(?<=\n)(?=  \S)", "\n", body).replace("jobs:\n\n", "jobs:\n", 1)


def _told(definition: Definition, defaults: Mapping[str, Any]) -> dict[str, Any]:
    usual = {**defaults, "name": definition.key}
    missing = object()
    return {name: value for name, value in definition.values.items() if value != usual.get(name, missing)}


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of every name down to the fields of a job's objects, by the path below `jobs`."""
    lines: dict[tuple[str, ...], int] = {}
    root = yaml.compose(text, _Loader)
    _note_lines(root, (), lines, depth=4)
    return {path[1:] if path[0] == "jobs" else path: line for path, line in lines.items()}


def _note_lines(node: Any, path: tuple[str, ...], lines: dict[tuple[str, ...], int], depth: int) -> None:
    if not isinstance(node, yaml.MappingNode) or depth == 0:
        return
    for name, value in node.value:
        below = (*path, str(name.value))
        lines[below] = name.start_mark.line + 1
        _note_lines(value, below, lines, depth - 1)


def _line_of(lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    """The line of a path, or of the nearest one above it that the file names."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
