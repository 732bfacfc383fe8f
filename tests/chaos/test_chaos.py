"""A short run with a fixed seed, so that the harness and what it watches over cannot rot unseen."""

from tests.chaos.run import Plan, run


def test_nothing_is_lost_or_doubled_while_everything_breaks(tmp_path):
    report = run(Plan(seed=7, seconds=15, jobs=60, burst=60, pause=1.0), {}, tmp_path)

    assert report.right(), report.text()
    assert report.faults
    assert report.verdict.executions > 200
