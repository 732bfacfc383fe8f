"""The metrics of an instance of several processes."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from service.metrics import FilledFiles


@pytest.fixture
def counted(tmp_path):
    """A folder in which one process has counted to three."""
    file = MmapedDict(str(tmp_path / "counter_engine-1.db"))
    file.write_value(mmap_key("calls", "calls_total", (), (), "Calls made"), 3.0, 0.0)
    file.close()
    return tmp_path


def shown(folder):
    registry = CollectorRegistry()
    FilledFiles(registry, str(folder))
    return generate_latest(registry).decode()


def test_a_process_that_has_not_begun_to_count_hides_nobody_elses(counted):
    (counted / "counter_engine-2.db").touch()

    assert "calls_total 3.0" in shown(counted)


def test_a_file_that_vanishes_meanwhile_hides_nobody_elses(counted):
    (counted / "gauge_livesum_engine-2.db").symlink_to(counted / "gone")

    assert "calls_total 3.0" in shown(counted)
