"""Whose offsets may be written in a transaction: those of a member of the group."""

from streamer.errors import FencedError, TransportError
from streamer.transport.base import Membership


def require_member(membership: Membership | None) -> Membership:
    """Refuse offsets of nobody.

    Raises:
        TransportError: no membership is given.
        FencedError: it is of a consumer that is in no group any more.
    """
    if membership is None:
        raise TransportError("offsets need the membership of the consumer that read up to them")
    if membership.generation < 0 or not membership.member_id:
        # The broker would take these offsets unchecked, as of a program that is in no group.
        raise FencedError(
            f"this consumer is no member of group {membership.group_id!r} any more; rebuild from the committed offsets"
        )
    return membership
