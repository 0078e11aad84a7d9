"""The command of this process as text that may be kept."""

import shlex
from collections.abc import Iterator, Sequence

from streamer.settings import secret_fields

_MASK = "***"


def command_line(arguments: Sequence[str]) -> str:
    """Write a command so that a shell would run it again; values of secret settings are masked.

    Args:
        arguments: the program and what follows.
    """
    return shlex.join(["streamer", *_masked(arguments[1:])])


def _masked(arguments: Sequence[str]) -> Iterator[str]:
    secrets = {f"{group}.{name}" for group, name in secret_fields()}
    for argument in arguments:
        # `--set NAME=VALUE`, `--set=NAME=VALUE` and `-sNAME=VALUE` are one to the command line.
        head, equals, _ = argument.removeprefix("--set=").removeprefix("-s").partition("=")
        is_secret = bool(equals) and head.strip().lower() in secrets
        yield f"{argument[: argument.index(head) + len(head)]}={_MASK}" if is_secret else argument
