"""What contract suites share; each has a fixture `broker` of its own."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from streamer.transport.base import Consumer
from tests.helpers.brokers import Broker


@pytest.fixture
def open_consumer(broker: Broker) -> Iterator[Callable[..., Consumer]]:
    """Opens consumers of one group, which are closed at the end."""
    group = f"group-{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(broker.consumer(group)))
