"""Learning that another member of the group bears this one's lasting name."""

from functools import partial
from typing import Any

from kafka.errors import FencedInstanceIdError
from kafka.future import Future
from kafka.net.manager import KafkaConnectionManager
from kafka.protocol.consumer import HeartbeatRequest


class WatchfulManager(KafkaConnectionManager):  # type: ignore[misc]  # kafka-python ships no types
    """Connections of one client, which remember if the group's coordinator refuses its heartbeats for its name.

    kafka-python stops its heartbeats then, tells nobody, and hands out records for ever.
    """

    def __init__(self, *args: Any, **configs: Any) -> None:
        """Begin without a namesake."""
        super().__init__(*args, **configs)
        self.shared_name: str | None = None

    def send(self, request: Any, node_id: Any = None, request_timeout_ms: float | None = None) -> Future:
        """Send a request; called by kafka-python."""
        answer = super().send(request, node_id=node_id, request_timeout_ms=request_timeout_ms)
        if isinstance(request, HeartbeatRequest):
            answer.add_callback(partial(self._note, request.group_instance_id))
        return answer

    def _note(self, name: str | None, response: Any) -> None:
        if response.error_code == FencedInstanceIdError.errno:
            self.shared_name = name
