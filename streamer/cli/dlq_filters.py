"""Options that choose dead letters, and how they become a selection."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.cli.options import require_topic_name
from streamer.dead_letters.status import Status
from streamer.errors import RejectReason, SettingsError

if TYPE_CHECKING:
    from streamer.dead_letters.selection import Selection

Reasons = Annotated[list[RejectReason] | None, typer.Option("--reason", help="Only with this reason. Repeatable.")]
Field = Annotated[str | None, typer.Option(help="Only with a fault in this field.")]
OriginTopic = Annotated[str | None, typer.Option(help="Only of records read from this topic.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only if written then or later: ISO 8601, UTC without a zone.")
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only if written before: ISO 8601, UTC without a zone.")
]
Statuses = Annotated[list[Status] | None, typer.Option("--status", help="Only with this status. Repeatable.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many.")]


def selection_of(
    reasons: list[RejectReason] | None,
    field: str | None,
    origin_topic: str | None,
    since: str | None,
    until: str | None,
    statuses: list[Status] | None,
) -> "Selection":
    """Make a selection of what the options say.

    Raises:
        SettingsError: a time is none, or the topic's name.
    """
    if origin_topic is not None:
        require_topic_name("--origin-topic", origin_topic)
    from streamer.dead_letters.selection import Selection

    return Selection(
        reasons=frozenset(reason.value for reason in reasons or ()),
        field=field,
        origin_topic=origin_topic,
        since_ms=_milliseconds("--since", since),
        until_ms=_milliseconds("--until", until),
        statuses=frozenset(statuses or ()),
    )


def _milliseconds(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise SettingsError(f"{option} {text!r} is no time: write it as 2026-03-29 or 2026-03-29T14:30:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
