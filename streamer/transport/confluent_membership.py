"""Who a consumer is in its group, out of what librdkafka hands to transactions, and back into it.

librdkafka tells a member's generation nowhere else. Its form is its own and bears a version; what
is read is therefore written again and compared, so that a new form is refused and never misread.
"""

import struct

from streamer.errors import TransportError
from streamer.transport.base import Membership

_MAGIC = b"CGMDv2:"
_GENERATION = struct.Struct("=i")
_NAMELESS, _NAMED = b"\1", b"\0"


def membership_of(metadata: bytes) -> Membership:
    """Read what `consumer_group_metadata` returned.

    Raises:
        TransportError: it has another form.
    """
    start = len(_MAGIC) + _GENERATION.size
    parts = metadata[start:].split(b"\0", 2)
    if metadata.startswith(_MAGIC) and len(parts) == 3:
        group_id, member_id, rest = parts
        found = Membership(
            group_id.decode(),
            _GENERATION.unpack_from(metadata, len(_MAGIC))[0],
            member_id.decode(),
            None if rest == _NAMELESS else rest.strip(b"\0").decode(),
        )
        if metadata_of(found) == metadata:
            return found
    raise TransportError(
        "this version of confluent-kafka names members of groups in a form that is not known: "
        'install one of requirements-dev.lock, or set kafka.client to "kafka-python"'
    )


def metadata_of(membership: Membership) -> bytes:
    """Write what `send_offsets_to_transaction` wants to be given."""
    instance = membership.instance_id
    named = _NAMELESS if instance is None else _NAMED + instance.encode() + b"\0"
    names = membership.group_id.encode() + b"\0" + membership.member_id.encode() + b"\0"
    return _MAGIC + _GENERATION.pack(membership.generation) + names + named
