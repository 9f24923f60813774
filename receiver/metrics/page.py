"""The page that Prometheus reads, in its text format."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Row

from receiver import __version__
from receiver.metrics.catalog import COUNTERS, ERASURES, FIGURES, HISTOGRAMS, Counter, Histogram
from receiver.metrics.worker_state import WorkerState, total_of_spools
from receiver.store.metrics.read import Endpoints, Snapshot
from receiver.store.metrics.write import CountKey
from receiver.store.schema import SCHEMA_VERSION

State = Mapping[str, Any]
Rows = Sequence[Row[Any]]

# Sums over the workers, by the member of WorkerState.
_SUMS = {
    "memory_bytes": ("receiver_memory_bytes", "Resident memory of all workers."),
    "held_bytes": ("receiver_bodies_held_bytes", "Bytes of callbacks' bodies in memory."),
    "queued": ("receiver_callbacks_queued", "Callbacks that wait for their commit."),
    "connections": ("receiver_database_connections", "Connections to the database in use."),
}


class _Page(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def render(
    snapshot: Snapshot | None,
    own_state: WorkerState | None,
    *,
    is_up: bool | None,
    is_writable: bool | None,
) -> bytes:
    """Return the page. Without a snapshot it has what one worker knows: its own state.

    It has no counts then: those of one worker are smaller than those of all, and Prometheus would
    take that for a restart. `is_up` is None if the database wasn't asked, and `is_writable` if
    nothing was written yet.
    """
    states = snapshot.states if snapshot else None
    # A database that refuses writes has the state of no worker.
    if not states and own_state:
        states = [own_state.to_dict()]
    families = [*_service_families(is_up=is_up, is_writable=is_writable)]
    if states is not None:
        families += _state_families(states)
    if snapshot:
        families += _snapshot_families(snapshot)

    return generate_latest(_Page(families))


def _service_families(*, is_up: bool | None, is_writable: bool | None) -> Iterator[Metric]:
    build = GaugeMetricFamily(
        "receiver_build_info",
        "1, with the versions of the code and of the schema that it needs.",
        labels=["version", "schema"],
    )
    build.add_metric([__version__, SCHEMA_VERSION], 1)
    yield build
    if is_up is not None:
        yield GaugeMetricFamily(
            "receiver_database_up", "1 if the database answered this scrape, else 0.", int(is_up)
        )
    if is_writable is not None:
        yield GaugeMetricFamily(
            "receiver_database_writable",
            "1 if the last write of the worker that answers succeeded, else 0.",
            int(is_writable),
        )


def _state_families(states: Sequence[State]) -> Iterator[Metric]:
    yield GaugeMetricFamily("receiver_workers", "Workers seen within a minute.", len(states))
    for member, (name, text) in _SUMS.items():
        yield GaugeMetricFamily(name, text, sum(state[member] or 0 for state in states))
    files, oldest_at = total_of_spools(states) or (0, None)
    yield GaugeMetricFamily(
        "receiver_spool_files", "Callbacks that wait on disk for the database.", files
    )
    yield GaugeMetricFamily(
        "receiver_spool_oldest_timestamp_seconds", "When the oldest of them was written.", oldest_at
    )


def _snapshot_families(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield what the tables have. A table that can't be read has no values, rather than zeros."""
    readable = GaugeMetricFamily(
        "receiver_table_readable",
        "1 if this page has what a table of metrics has, 0 if the table can't be read.",
        labels=["table"],
    )
    for table, reason in snapshot.tables.items():
        readable.add_metric([table], int(reason is None))
    yield readable
    if snapshot.counts is not None:
        yield from _count_families(snapshot.counts)
    if snapshot.dropped is not None:
        yield _dropped_family(snapshot.dropped)
    if snapshot.figures is not None:
        yield from _figure_families(snapshot.figures)
    if snapshot.endpoints is not None:
        yield from _push_families(snapshot.endpoints)


def _count_families(rows: Rows) -> Iterator[Metric]:
    counts = {(row.name, tuple(row.labels)): row.value for row in rows}
    for counter in COUNTERS:
        yield _counter_family(counter, counts)
    for histogram in HISTOGRAMS:
        yield _histogram_family(histogram, counts)


def _dropped_family(rows: Rows) -> Metric:
    dropped = CounterMetricFamily(
        "receiver_rejected_not_kept_total",
        "Requests that look like callbacks but don't verify, and were not stored.",
        labels=["reason"],
    )
    for row in rows:
        dropped.add_metric([row.reason], row.requests)

    return dropped


def _counter_family(counter: Counter, counts: Mapping[CountKey, float]) -> Metric:
    family = CounterMetricFamily(counter.name, counter.help, labels=counter.labels)
    values = dict.fromkeys(counter.initial, 0.0)
    values |= {labels: value for (name, labels), value in counts.items() if name == counter.name}
    for labels, value in sorted(values.items()):
        if len(labels) == len(counter.labels):  # a newer release may have other labels
            family.add_metric(labels, value)

    return family


def _histogram_family(histogram: Histogram, counts: Mapping[CountKey, float]) -> Metric:
    family = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
    sums = {labels: total for (name, labels), total in counts.items() if name == histogram.sum_name}
    if not histogram.labels:
        sums.setdefault((), 0.0)  # as the initial values of a counter
    for labels, total in sorted(sums.items()):
        if len(labels) != len(histogram.labels):  # a newer release may have other labels
            continue
        buckets = [
            counts.get((histogram.bucket_name, (*labels, bound)), 0.0) for bound in histogram.bounds
        ]
        at_most = zip(histogram.bounds, accumulate(buckets), strict=True)
        family.add_metric(labels, [*at_most], sum_value=total)

    return family


def _figure_families(rows: Rows) -> Iterator[Metric]:
    groups = {row.name: row for row in rows}
    ages = GaugeMetricFamily(
        "receiver_figures_timestamp_seconds",
        "When the figures of a group were computed, which happens once a minute.",
        labels=["group"],
    )
    for group, texts in FIGURES.items():
        row = groups.get(group)
        for name, text in texts.items():
            yield GaugeMetricFamily(name, text, ((row and row.figures) or {}).get(name))
        if row and row.computed_at:
            ages.add_metric([group], row.computed_at.timestamp())
    yield ages
    erasures = groups.get("erasures")
    # Before they are counted there is no 0: Prometheus would see an increase from it.
    if erasures and erasures.figures is not None:
        yield _counter_family(
            ERASURES, {(ERASURES.name, (kind,)): count for kind, count in erasures.figures.items()}
        )


def _push_families(endpoints: Endpoints) -> Iterator[Metric]:
    lags = GaugeMetricFamily(
        "receiver_push_lag_seconds",
        "Seconds since an endpoint of push was last known to have everything; +Inf if nothing was "
        "ever sent to it.",
        labels=["endpoint"],
    )
    disabled = GaugeMetricFamily(
        "receiver_push_disabled",
        "1 if the endpoint answered 410 and gets nothing, else 0.",
        labels=["endpoint"],
    )
    for name, state in endpoints.items():
        lags.add_metric([name], state.lag_seconds if state else math.inf)
        disabled.add_metric([name], int(state is not None and state.disabled_at is not None))
    yield lags
    yield disabled
