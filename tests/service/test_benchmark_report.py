"""What benchmarks report: percentiles, medians, targets, and the table they end in."""

import pytest

from tests.benchmarks.report import Measure, Samples, Target, percentile, shown, table


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 5.0), (0.51, 6.0), (0.9, 9.0), (0.99, 10.0), (1.0, 10.0)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    values = [float(number) for number in (10, 3, 1, 2, 4, 9, 8, 5, 7, 6)]
    assert percentile(values, share) == expected


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (0.0656, "0.066"), (0.85, "0.85"), (4.5678, "4.57"), (20.0, "20"), (123.4, "123"), (12345.6, "12,346")],
)
def test_numbers_are_shown_by_what_matters_of_them(number: float, expected: str) -> None:
    assert shown(number) == expected


def test_a_measure_is_its_median_beside_its_baselines_median() -> None:
    measure = Measure("deliveries", "/s", [900.0, 1000.0, 5000.0], "peer", [400.0, 500.0, 600.0])
    assert (measure.value, measure.baseline_value, measure.ratio) == (1000.0, 500.0, 2.0)


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(">=", 1000), True),
        (Target(">=", 1001), False),
        (Target("<=", 999), False),
        (Target(">=", 2.0, "ratio"), True),
        (Target(">=", 2.1, "ratio"), False),
        (None, None),
    ],
)
def test_a_target_bounds_the_value_or_the_ratio(target: Target | None, met: bool | None) -> None:
    assert Measure("deliveries", "/s", [1000.0], "peer", [500.0], target).met is met


def test_a_ratio_without_baseline_misses_its_target() -> None:
    assert Measure("deliveries", "/s", [1000.0], target=Target(">=", 0.5, "ratio")).met is False


def test_the_table_has_a_line_a_measure() -> None:
    measure = Measure("lag, p99", "ms", [12.0, 25.0, 30.0], "bare", [5.0], Target("<=", 20))
    assert table([measure]).splitlines()[2] == "| lag, p99 | 25 ms | 12, 25, 30 | bare: 5 | 5.00x | <= 20 | **no** |"


def test_samples_gather_by_name() -> None:
    samples = Samples()
    for value in (3.0, 1.0, 2.0):
        samples.add("one", value)
    assert (samples["one"], samples["none"], samples.medians()) == ([3.0, 1.0, 2.0], [], {"one": 2.0})
