"""Writes results: a JSON file a benchmark with all samples, its plots, and one Markdown page over all of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import machine
from tests.benchmarks.report import Measure, Report, Target, table
from tests.benchmarks.stand import ROOT, Stand

FOLDER = Path(__file__).parent / "results"
QUICK_FOLDER = ROOT / ".data" / "benchmark-results"
ORDER = ("deliveries", "lag", "claims", "ticks", "api", "flat", "reads", "held", "tracing", "idle", "fair")


def write(stand: Stand, name: str, report: Report) -> None:
    """Keep a benchmark's report, and write the page anew from all that are kept."""
    from tests.benchmarks.plots import draw

    folder = QUICK_FOLDER if stand.sizes.quick else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    kept = report.to_json() | {
        "commit": machine.commit(),
        "day": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe(stand.owner),
    }
    (folder / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    for plot in report.plots:
        draw(plot, folder)
    (folder / "README.md").write_text(page(folder))


def page(folder: Path) -> str:
    """The Markdown page over all reports of a folder."""
    paths = [folder / f"{name}.json" for name in ORDER]
    reports = [json.loads(path.read_text()) for path in paths if path.exists()]
    head = (
        "# Benchmarks\n\n`make bench` measures and writes this page. Values are medians of the runs shown beside them; "
        "a baseline was measured in turn with them, in the same run.\n"
    )
    return head + "".join(_section(report) for report in reports) + _machine(reports[-1])


def _section(report: dict[str, Any]) -> str:
    measures = [_measure(values) for values in report["measures"]]
    plots = "".join(f"\n![{report['title']}]({plot}.png)\n" for plot in report["plots"])
    measured = f"Measured at commit {report['commit']}." if report["commit"] else f"Measured on {report['day']}."
    return f"\n## {report['title']}\n\n{report['about']} {measured}\n\n{table(measures)}{plots}"


def _measure(values: dict[str, Any]) -> Measure:
    target = values["target"]
    return Measure(**{**values, "target": None if target is None else Target(**target)})


def _machine(report: dict[str, Any]) -> str:
    lines = "".join(f"| {name} | {value} |\n" for name, value in report["machine"].items())
    return f"\n## The machine\n\n| | |\n| --- | --- |\n{lines}"
