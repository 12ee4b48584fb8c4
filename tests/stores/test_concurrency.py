"""A short storm on each database: right books, one trail, and a replay one by one in memory agrees."""

from __future__ import annotations

import pytest

from tests.stores.storm import Storm, rage, summary


@pytest.mark.long
@pytest.mark.parametrize(("seed", "has_lanes"), [(1, False), (2, True)])
def test_what_many_write_at_once_could_have_been_written_one_by_one(
    url: str, seed: int, has_lanes: bool
) -> None:
    storm = Storm(url=url, seconds=3, threads=4, processes=2, seed=seed, has_lanes=has_lanes)

    report = rage(storm)

    assert report.faults == [], summary(storm, report)
    assert report.states["40P01"] == 0, "PostgreSQL had to find a deadlock"
    assert report.lost <= len(report.written) / 100, "too many gave up after every try"
    assert len(report.written) > 40, "so few commands show little"
