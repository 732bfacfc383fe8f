"""What benchmarks tell: measures with their samples, rendered as a Markdown table."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of all values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


@dataclass(frozen=True, slots=True)
class Target:
    """What a measure should reach; a bound on its value, or on its ratio to the baseline."""

    sign: str  # ">=" or "<="
    bound: float
    of: str = "value"  # or "ratio"

    def met(self, value: float, ratio: float | None) -> bool:
        """Whether a median reaches it."""
        number = value if self.of == "value" else ratio
        if number is None:
            return False
        return number >= self.bound if self.sign == ">=" else number <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {shown(self.bound)}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table."""

    name: str
    unit: str
    values: list[float]  # a sample a run
    baseline: str = ""  # what it is compared with
    baseline_values: list[float] = field(default_factory=list)
    target: Target | None = None

    @property
    def value(self) -> float:
        """The median of the runs."""
        return median(self.values)

    @property
    def baseline_value(self) -> float | None:
        """The median of the baseline's runs."""
        return median(self.baseline_values) if self.baseline_values else None

    @property
    def ratio(self) -> float | None:
        """Value by baseline."""
        base = self.baseline_value
        return self.value / base if base else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.target.met(self.value, self.ratio)


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: bars (a value each), curves (the share of values up to each) or lines (points)."""

    name: str  # of the file
    title: str
    unit: str
    bars: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    lines: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found out."""

    title: str
    about: str  # one paragraph: what was done
    measures: list[Measure]
    plots: list[Plot] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For the file of raw samples."""
        return asdict(self) | {"plots": [plot.name for plot in self.plots]}


class Samples:
    """Values by name, gathered over the runs."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, name: str, value: float) -> None:
        """One run's value."""
        self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> list[float]:
        return self._values.get(name, [])

    def medians(self) -> dict[str, float]:
        """The median of each name."""
        return {name: median(values) for name, values in self._values.items()}


HEAD = "| | Median | Runs | Baseline | Ratio | Target | Met |\n| --- | ---: | --- | --- | ---: | --- | --- |\n"


def table(measures: Sequence[Measure]) -> str:
    """The measures as a Markdown table."""
    return HEAD + "".join(_line(measure) for measure in measures)


def _line(measure: Measure) -> str:
    base, ratio = measure.baseline_value, measure.ratio
    cells = (
        measure.name,
        f"{shown(measure.value)} {measure.unit}",
        ", ".join(shown(value) for value in measure.values),
        "" if base is None else f"{measure.baseline}: {shown(base)}",
        "" if ratio is None else f"{ratio:.2f}x",
        str(measure.target or ""),
        {None: "", True: "yes", False: "**no**"}[measure.met],
    )
    return f"| {' | '.join(cells)} |\n"


def shown(number: float) -> str:
    """A number as people read it: three digits that matter, thousands parted."""
    if number == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{min(digits, 3)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
