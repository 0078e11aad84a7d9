"""Which names a topic may have: the rule of Kafka's brokers, told before one is asked."""

import re

_MOST_CHARACTERS = 249
_POSSIBLE = re.compile(r"[A-Za-z0-9._-]+")


def usable_topic(name: str) -> str:
    """Return a name that a topic of this program may have.

    Raises:
        ValueError: no topic may bear it, or one of Kafka's own would; says so and what is allowed.
    """
    if len(name) > _MOST_CHARACTERS or name in {".", ".."} or not _POSSIBLE.fullmatch(name):
        shown = repr(name if len(name) <= _MOST_CHARACTERS else f"{name[:40]}…")
        raise ValueError(
            f"{shown} cannot name a topic: use 1 to {_MOST_CHARACTERS} of the letters a to z and A to Z, digits, "
            "'.', '_' and '-', and neither '.' nor '..' alone"
        )
    if name.startswith("__"):
        raise ValueError(f"{name!r} is a topic of Kafka's own: choose another name")
    return name
