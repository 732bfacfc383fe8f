"""Draws the plots of a report as PNG files."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from tests.benchmarks.report import Plot, shown


def draw(plot: Plot, folder: Path) -> None:
    """Write <folder>/<plot.name>.png."""
    figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(plot.bars) + 1.2 if plot.bars else 4.5))
    axes.set_title(plot.title)
    axes.set_xlabel(plot.unit)
    if plot.bars:
        labels = list(plot.bars)[::-1]
        bars = axes.barh(labels, [plot.bars[label] for label in labels], color="#4878a8")
        axes.bar_label(bars, [shown(plot.bars[label]) for label in labels], padding=3)
        axes.margins(x=0.12)
    for label, values in plot.curves.items():
        shares = [(rank + 1) / len(values) * 100 for rank in range(len(values))]
        axes.plot(sorted(values), shares, label=label, drawstyle="steps-post")
    if plot.curves:
        axes.set_xscale("log")
        axes.set_ylabel("% of starts up to here")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend()
    for label, points in plot.lines.items():
        axes.plot([x for x, _ in points], [y for _, y in points], label=label, marker=".")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(folder / f"{plot.name}.png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
