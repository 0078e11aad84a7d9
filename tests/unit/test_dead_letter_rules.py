"""Which letters may go back, and why others may not."""

from dataclasses import replace

import msgspec
import pytest

from streamer.cli.dlq_redrive import target_rules
from streamer.dead_letters.letter import Letter
from streamer.dead_letters.restore import Refusal, Rules
from streamer.errors import SettingsError
from streamer.settings import TopicSettings

LETTER = Letter(
    partition=0,
    offset=7,
    timestamp=1_700_000_000_000,
    reason="missing_field",
    field="amount",
    origin_topic="transactions",
    origin_partition=1,
    origin_offset=42,
    truncated="",
    redrives=0,
)
RULES = Rules(home="transactions", to=None, max_attempts=1)


def test_a_whole_letter_of_the_input_topic_may_go_back() -> None:
    assert RULES.refusal(LETTER) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"truncated": "value"}, Refusal.TRUNCATED),
        ({"redrives": 1}, Refusal.ATTEMPTS),
        ({"origin_topic": "elsewhere"}, Refusal.ORIGIN),
        ({"reason": "unscorable"}, Refusal.COUNTED),
    ],
)
def test_others_are_refused_with_their_reason(changes: dict[str, object], why: Refusal) -> None:
    assert RULES.refusal(msgspec.structs.replace(LETTER, **changes)) is why


@pytest.mark.parametrize("changes", [{"origin_topic": "elsewhere"}, {"reason": "unscorable"}])
def test_another_topic_takes_what_the_input_topic_does_not(changes: dict[str, object]) -> None:
    letter = msgspec.structs.replace(LETTER, **changes)
    assert replace(RULES, to="by-hand").refusal(letter) is None


@pytest.mark.parametrize("to", ["", "alerts", "dead-letters", "..", "two words", "__consumer_offsets"])
def test_no_redrive_goes_nowhere_or_to_what_the_worker_writes(to: str) -> None:
    with pytest.raises(SettingsError, match="--to"):
        target_rules(TopicSettings(), to, 1)
