"""Options that several commands share, and how they become settings."""

from pathlib import Path
from typing import Annotated

import typer

from streamer.errors import SettingsError
from streamer.settings import Settings, load
from streamer.topic_names import usable_topic

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (TOML).", dir_okay=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="One setting, e.g. kafka.group_id=fraud. Repeatable."),
]
Bootstrap = Annotated[str | None, typer.Option("--bootstrap", "-b", help="Brokers: kafka.bootstrap_servers.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document on standard output.")]

Data = Annotated[Path | None, typer.Option(help="Archive: Parquet, CSV or JSON lines, a file or a folder of them.")]
FromTopic = Annotated[
    bool, typer.Option("--from-topic", help="Read the topic topics.transactions up to its present end instead.")
]
Mapping = Annotated[
    str | None, typer.Option(help="How foreign columns become fields: a TOML file; events.mapping.", metavar="FILE")
]
Preset = Annotated[str | None, typer.Option(help="A mapping that comes with the program, e.g. handbook.")]
Partitions = Annotated[
    int, typer.Option(min=1, help="Spread an archive's users over so many partitions, as the live topic has.")
]


def mapping_from(mapping: str | None, preset: str | None) -> str | None:
    """Return the setting events.mapping that two flags mean.

    Raises:
        SettingsError: both are given, or the preset does not exist.
    """
    if preset is None:
        return mapping
    from streamer.events.mapping_file import presets

    if mapping is not None:
        raise SettingsError("choose one mapping: --mapping FILE or --preset NAME")
    if preset not in presets():
        raise SettingsError(f"there is no preset {preset!r}: choose {', '.join(presets())}, or write a --mapping")
    return preset


def settings_from(config: Path | None, overrides: list[str] | None, **flags: object) -> Settings:
    """Load settings from all sources.

    Args:
        config: the TOML file, if any.
        overrides: texts of the form name=value.
        flags: values of dedicated flags by setting name with `__` for the dot; None is left out.

    Raises:
        SettingsError: a source is unreadable or a value is wrong.
    """
    chosen: dict[str, str] = {}
    for text in overrides or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--set {text!r} has no value: write it as --set name=value")
        chosen[name.strip()] = value
    chosen |= {name.replace("__", "."): str(value) for name, value in flags.items() if value is not None}
    return load(config, chosen)


def require_topic_name(option: str, name: str) -> None:
    """Refuse a name that no topic may have.

    Raises:
        SettingsError: it is one; names the option and the rule.
    """
    try:
        usable_topic(name)
    except ValueError as error:
        raise SettingsError(f"{option} {error}") from None
