"""Where the time of a request went, by Triton's statistics."""

from __future__ import annotations

from client.page.timings import Spent, spent, timings


def test_times_are_means_of_what_the_server_had_between() -> None:
    before = {"m": Spent(5, 50_000_000, 0), "m_network": Spent(5, 40_000_000, 0)}
    after = {"m": Spent(7, 90_000_000, 0), "m_network": Spent(7, 76_000_000, 12_000_000)}
    taken = timings("m", before, after, total=25.0)
    assert taken.steps == {"network": 12.0}
    assert (taken.queued, taken.transport, taken.requests) == (6.0, 5.0, 2)


def test_statistics_of_several_servers_and_versions_add_up() -> None:
    # gRPC's numbers are strings, and those that are 0 are not there.
    model = {"name": "m", "inference_stats": {"success": {"count": "2", "ns": "9"}, "queue": {}}}
    assert spent([[model], [model, {"name": "m"}]]) == {"m": Spent(4, 18, 0)}
