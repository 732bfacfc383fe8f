"""The metrics of an instance of several processes."""

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from service.metrics import BatchHistogram, FilledFiles


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


@pytest.mark.parametrize("amounts", [[], [0.0], [0.1, 0.5, 0.1, 1.0, 7.0, 0.05, 2.0]])
def test_a_batch_counts_as_its_values_one_by_one(amounts):
    registry = CollectorRegistry()
    batch = BatchHistogram("batch", "In one go", buckets=(0.1, 0.5, 1.0), registry=registry)
    single = Histogram("single", "One by one", buckets=(0.1, 0.5, 1.0), registry=registry)

    batch.observe_all(amounts)
    for amount in amounts:
        single.observe(amount)

    one, other = (
        [(sample.name.partition("_")[2], sample.labels, sample.value) for sample in each.collect()[0].samples]
        for each in (batch, single)
    )
    assert [sample for sample in one if sample[0] != "created"] == [
        sample for sample in other if sample[0] != "created"
    ]
