"""The tables, one module for each subject. Importing one of them puts all into the metadata."""

from receiver.store.tables.columns import TransactionId, metadata
from receiver.store.tables.intents import submissions
from receiver.store.tables.jobs import ADDRESSES, transcriptions
from receiver.store.tables.ledger import events
from receiver.store.tables.metrics import metric_counts, metric_figures, metric_workers
from receiver.store.tables.polls import passes, watches
from receiver.store.tables.privacy import (
    audit,
    erasure_key,
    erasures,
    holds,
    retention_progress,
    tombstones,
)
from receiver.store.tables.push import push_endpoints
from receiver.store.tables.rejections import rejected, rejected_not_kept
from receiver.store.tables.search import search_progress, transcript_index

__all__ = [
    "ADDRESSES",
    "TransactionId",
    "audit",
    "erasure_key",
    "erasures",
    "events",
    "holds",
    "metadata",
    "metric_counts",
    "metric_figures",
    "metric_workers",
    "passes",
    "push_endpoints",
    "rejected",
    "rejected_not_kept",
    "retention_progress",
    "search_progress",
    "submissions",
    "tombstones",
    "transcript_index",
    "transcriptions",
    "watches",
]
