"""What the service counts, for Prometheus; no label holds what a user has sent."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]


class Metrics:
    r"""Counts of one service, in a registry of its own.

    >>> metrics = Metrics()
    >>> metrics.answered("/search", "POST", 200, 0.02)
    >>> 'tutorial_requests_total{method="POST",route="/search",status="200"} 1.0' in metrics.text()
    True
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels, registry = ("route", "method", "status"), self._registry
        self._requests = Counter("tutorial_requests", "Requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "tutorial_request_seconds",
            "Seconds until a request was answered.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.batch = Histogram("tutorial_batch_texts", "Texts encoded together.", buckets=SIZES, registry=registry)
        self._waiting = Gauge("tutorial_queue_texts", "Texts that wait for the model.", registry=registry)
        self._version = Gauge("tutorial_live_version", "Number of the live version of the index; 0: none.", registry=registry)
        self.unrecorded = Counter("tutorial_unrecorded_searches", "Searches that could not be recorded.", registry=registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request by the pattern of its path."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def watch(self, waiting: Callable[[], float], version: Callable[[], float]) -> None:
        """Ask for the length of the queue, and for the live version, whenever the figures are read."""
        self._waiting.set_function(waiting)
        self._version.set_function(version)

    def text(self) -> str:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry).decode()
