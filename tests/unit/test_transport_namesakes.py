"""A member that lost its place by its name is told by the answer to its heartbeat, and by no other."""

import pytest
from kafka.errors import FencedInstanceIdError, UnknownMemberIdError
from kafka.future import Future
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.consumer import HeartbeatRequest, HeartbeatResponse, LeaveGroupRequest

from streamer.transport.kafka_namesakes import WatchfulManager

HEARTBEAT = HeartbeatRequest(group_id="g", generation_id=1, member_id="m", group_instance_id="twin")


def name_after(request: object, error_code: int, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Return which name a client knows to be shared once a request is answered."""
    answer = Future()
    monkeypatch.setattr(KafkaConnectionManager, "send", lambda *_args, **_configs: answer)
    network = NetworkSelector()
    manager = WatchfulManager(network, bootstrap_servers=["127.0.0.1:9"])
    try:
        assert manager.send(request) is answer
        assert manager.shared_name is None
        answer.success(HeartbeatResponse(error_code=error_code))
        return manager.shared_name
    finally:
        network.close()


def test_the_refusal_of_a_heartbeat_for_its_name_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_after(HEARTBEAT, FencedInstanceIdError.errno, monkeypatch) == "twin"


@pytest.mark.parametrize(
    ("request_", "error_code"),
    [(HEARTBEAT, 0), (HEARTBEAT, UnknownMemberIdError.errno), (LeaveGroupRequest(group_id="g"), 82)],
)
def test_other_answers_mean_nothing(request_: object, error_code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name_after(request_, error_code, monkeypatch) is None
