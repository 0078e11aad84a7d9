"""Gauges of partitions: they come with the partition and go with it."""

from prometheus_client import CollectorRegistry, Gauge

from streamer.events.record import TopicPartition

PARTITION = ("topic", "partition")
"""Labels of everything that is told of each partition by itself."""


class PartitionGauges:
    """Declares gauges of partitions and remembers them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Begin with none; all are collected by `registry`."""
        self._registry = registry
        self._gauges: list[Gauge] = []

    def declare(self, name: str, documentation: str) -> Gauge:
        """Return a new gauge with the labels of a partition."""
        gauge = Gauge(name, documentation, PARTITION, registry=self._registry)
        self._gauges.append(gauge)
        return gauge

    def forget(self, source: TopicPartition) -> None:
        """Remove what is told of a partition that went elsewhere."""
        for gauge in self._gauges:
            try:
                gauge.remove(*source)
            except KeyError:  # never set: nothing was judged here
                continue
