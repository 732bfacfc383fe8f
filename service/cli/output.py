"""What commands print: tables for people, JSON for programs, progress on a terminal's standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

Item = TypeVar("Item")
COLORS = {
    "active": "green",
    "completed": "green",
    "running": "cyan",
    "pending": "cyan",
    "retrying": "yellow",
    "held": "yellow",
    "paused": "yellow",
    "skipped": "yellow",
    "failed": "red",
    "timeout": "red",
    "cancelled": "magenta",
    "deleted": "magenta",
    "+": "green",
    "~": "yellow",
    "-": "red",
}
CELL = 80  # characters of a cell on a terminal, at most


def note(text: str) -> None:
    """Tell the person, not the program that reads standard output."""
    print(safe(text), file=sys.stderr)


def document(data: Any) -> None:
    """Print data as one JSON document."""
    print(json_text(data), end="")


def json_text(data: Any) -> str:
    """Data as JSON that people can read too."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def line(data: Any) -> None:
    """Print data as a line of JSON, at once."""
    print(json.dumps(data, ensure_ascii=False), flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their columns: drawn on a terminal, else plain text with two spaces between columns."""
    cells = [[text_of(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        print(plain_table(columns, cells), end="")
        return
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(_shortened(cell), style=COLORS.get(cell, "")) for cell in row))
    Console().print(drawn)


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows as aligned text, a line each."""
    lines = [list(columns), *rows]
    widths = [max(len(row[place]) for row in lines) for place in range(len(columns))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in lines)
    return "".join(f"{row.rstrip()}\n" for row in padded)


def fields(data: dict[str, Any]) -> None:
    """Print one thing, a line for each of its fields that says something."""
    width = max(len(name) for name in data)
    for name, value in data.items():
        if value not in (None, [], {}, ""):
            print(f"{name.ljust(width)}  {text_of(value)}")


def colored(mark: str, text: str) -> None:
    """Print a line in the color of its mark, where colors are wanted."""
    Console(soft_wrap=True).print(Text(safe(text), style=COLORS.get(mark, "")))


def text_of(value: Any) -> str:
    """A value on one line; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, dict | list):
        return safe(json.dumps(value, ensure_ascii=False))
    return safe(" ".join(str(value).split("\n")))


def safe(text: str) -> str:
    """The text without what could command a terminal: a receiver's answer is a stranger's."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in text)


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a bar on standard error while they pass when that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return items
    return track(items, description=what, total=total, console=console, transient=True)


def _shortened(cell: str) -> str:
    return cell if len(cell) <= CELL else cell[: CELL - 1] + "…"
