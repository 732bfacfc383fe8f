"""The dashboard and the alert rules ask for metrics that exist, in PromQL that parses."""

import json
import re
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from service import metrics

FOLDER = Path("service/monitoring")
METRICS = [item for item in vars(metrics).values() if isinstance(item, Counter | Gauge | Histogram)]
SCRAPED = {"instance", "job"}  # labels that Prometheus adds
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
# Each has few values, whatever the number of jobs, tenants and receivers.
BOUNDED = {"outcome", "reason", "change", "pool", "method", "route", "status", "role"}


def series():
    """The labels of every time series there is, by its name."""
    return {
        metric._name + suffix: set(metric._labelnames) | SCRAPED | ({"le"} if suffix == "_bucket" else set())
        for metric in METRICS
        for suffix in SUFFIXES[metric._type]
    }


def rules():
    return [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]


def panels():
    return json.loads((FOLDER / "dashboard.json").read_text())["panels"]


def expressions():
    """Every PromQL expression of the two files, by where it stands."""
    alerts = {rule["alert"]: rule["expr"] for rule in rules()}
    shown = {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "5m")
        for panel in panels()
        for target in panel.get("targets", [])
    }
    return alerts | shown


class Uses(list):
    """The (series, label) pairs that an expression names; grouping labels must be on every series below them."""

    def __init__(self, text):
        self.walk(promql_parser.parse(text), [])

    def walk(self, node, grouping):
        if isinstance(node, promql_parser.VectorSelector):
            self += [(node.name, label) for label in [matcher.name for matcher in node.matchers.matchers] + grouping]
            self.append((node.name, "instance"))
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            grouping = grouping + list(node.modifier.labels)
        for below in self.below(node):
            self.walk(below, grouping)

    @staticmethod
    def below(node):
        named = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
        return [item for item in [*named, *getattr(node, "args", [])] if item is not None]


def test_a_name_that_is_none_is_found_wherever_it_stands():
    uses = Uses('sum by (tenant) (rate(nothing_total{job="x"}[5m])) / max(scheduler_lease_held{pid="1"} > 0)')

    assert {("nothing_total", "tenant"), ("nothing_total", "job"), ("scheduler_lease_held", "pid")} <= set(uses)


@pytest.mark.parametrize("place", expressions())
def test_an_expression_names_series_and_labels_that_exist(place):
    known = series()

    uses = Uses(expressions()[place])

    assert uses != []
    assert [(name, label) for name, label in uses if label not in known.get(name, ())] == []


def test_every_metric_is_on_the_dashboard():
    shown = " ".join(target["expr"] for panel in panels() for target in panel.get("targets", []))

    assert [metric._name for metric in METRICS if not re.search(rf"\b{metric._name}(_total|_bucket)?\b", shown)] == []


def test_every_alert_says_for_how_bad_what_and_what_to_do():
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_alert_texts_use_labels_that_their_expression_keeps():
    named = {rule["alert"]: set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))) for rule in rules()}
    grouped = {rule["alert"]: " ".join(re.findall(r"by \((.*?)\)", rule["expr"])) for rule in rules()}
    kept = {name: set(re.findall(r"\w+", text)) for name, text in grouped.items()}

    assert {name: labels - kept[name] for name, labels in named.items() if labels - kept[name]} == {}


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    cells = [
        (x, y)
        for panel in panels()
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert len(panels()) == len({panel["id"] for panel in panels()})
    assert max(x for x, _ in cells) < 24


def test_metrics_are_named_as_prometheus_wants_and_their_labels_are_bounded():
    names = [metric._name for metric in METRICS]

    assert [name for name in names if not name.startswith("scheduler_")] == []
    assert [name for name in names if re.search("_(ms|milliseconds|minutes|total|count)$", name)] == []
    assert {label for metric in METRICS for label in metric._labelnames} <= BOUNDED
