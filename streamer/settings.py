"""Every setting of the worker; the only reader of the environment.

Sources, strongest first: flags of the command line, environment (`STREAMER_KAFKA__GROUP_ID`),
secret files (`STREAMER_KAFKA__SASL_PASSWORD_FILE`), a TOML file, defaults.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from streamer.errors import SettingsError
from streamer.topic_names import usable_topic

PREFIX = "STREAMER_"
_FILE_SUFFIX = "_FILE"

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
ClientLibrary = Literal["kafka-python", "confluent"]
BackEnd = Literal["eager", "onnx", "int8"]
Topic = Annotated[str, AfterValidator(usable_topic)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(_Group):
    """How to reach the brokers and behave in the group."""

    bootstrap_servers: str = Field("localhost:9092", description="Comma-separated host:port list.")
    client: ClientLibrary = Field(
        "kafka-python", description="Client library of `run`; `confluent` is faster and needs the extra `fast`."
    )
    client_id: str = Field("fraud-streamer", description="Name shown in the broker's logs.")
    group_id: str = Field("fraud-streamer", description="Consumer group; workers of one group share partitions.")
    auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest",
        description="Where a group starts in partitions without committed offsets; `latest` passes over what was "
        "written to an added partition before it was found.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Encryption and authentication of connections."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="Required by the SASL protocols."
    )
    sasl_username: str | None = Field(None, description="User name for SASL.")
    sasl_password: SecretStr | None = Field(None, description="Password for SASL.")
    ssl_cafile: Path | None = Field(None, description="PEM file of the authorities that signed the brokers.")
    ssl_certfile: Path | None = Field(None, description="PEM file of the client certificate.")
    ssl_keyfile: Path | None = Field(None, description="PEM file of the client key.")
    ssl_check_hostname: bool = Field(default=True, description="Whether the broker's name must match its certificate.")
    bootstrap_timeout_s: Seconds = Field(5.0, description="How long to look for a broker before giving up.")
    session_timeout_s: Seconds = Field(30.0, description="Silence after which the group expels this worker.")
    max_poll_interval_s: Seconds = Field(300.0, description="Longest time between polls before partitions are lost.")
    fetch_max_wait_ms: Positive = Field(20, description="How long the broker may hold a fetch; bounds idle latency.")
    group_instance_id: str | None = Field(
        None,
        min_length=1,
        max_length=249,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Lasting name of this worker in the group, for static membership; one of a kind.",
    )
    transactional_id: str | None = Field(
        None,
        min_length=1,
        description="Name of this worker's transactions, one of a kind; made of group, host and port if unset.",
    )
    transaction_timeout_s: Seconds = Field(
        15.0, description="Age at which the broker gives up a transaction of a worker that fell silent."
    )
    metadata_max_age_s: Seconds = Field(60.0, description="How soon partitions that were added to a topic are found.")
    max_message_bytes: Annotated[int, Field(ge=16_384)] = Field(
        1_000_000, description="Largest message produced; at most the broker's limit."
    )

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> "KafkaSettings":
        if self.security_protocol.startswith("SASL"):
            absent = [n for n in ("sasl_mechanism", "sasl_username", "sasl_password") if getattr(self, n) is None]
            if absent:
                raise ValueError(f"{self.security_protocol} needs {', '.join('kafka.' + n for n in absent)}")
        return self


class TopicSettings(_Group):
    """Names of the topics."""

    transactions: Topic = Field("transactions", description="Input: one transaction per record, keyed by user.")
    alerts: Topic = Field("alerts", description="Output: fraud alerts, keyed by user.")
    dead_letters: Topic = Field("dead-letters", description="Output: records that cannot be judged.")
    scores: Topic | None = Field(None, description="Output: risk and features of every transaction; unset writes none.")

    @property
    def names(self) -> list[str]:
        """All topics that a worker needs, the input first."""
        return [self.transactions, self.alerts, self.dead_letters, *([self.scores] if self.scores else [])]

    @model_validator(mode="after")
    def _outputs_are_no_inputs(self) -> "TopicSettings":
        if self.transactions in {self.alerts, self.dead_letters, self.scores}:
            raise ValueError(f"{self.transactions!r} is read and written: the worker would read its own output")
        return self


class EventSettings(_Group):
    """What counts as a transaction."""

    mapping: str | None = Field(
        None,
        min_length=1,
        description="Mapping of foreign fields: a TOML file or a preset; unset for canonical ones.",
    )
    max_bytes: Positive = Field(65_536, description="Larger values are dead-lettered unread.")
    future_tolerance_s: Seconds = Field(
        300.0, description="How far event time may run ahead of the record's broker timestamp."
    )
    late_after_s: Seconds = Field(60.0, description="Events this far behind their partition's clock count as late.")


class StateSettings(_Group):
    """Bounds of memory, for each input partition; the least recently used goes first."""

    users: Positive = Field(100_000, description="Users kept for each partition.")
    merchants: Positive = Field(20_000, description="Merchants kept for each partition.")
    transaction_ids: Positive = Field(200_000, description="Transaction ids remembered for each partition, at least.")
    look_back_records: Annotated[int, Field(ge=0)] = Field(
        1_000_000, description="Records before the committed offset that are read again where no snapshot helps."
    )


class SnapshotSettings(_Group):
    """Where state is kept beside memory, so that a restart goes on where it stopped."""

    url: str | None = Field(None, description="Folder or fsspec URL, e.g. s3://bucket/state; unset keeps none.")
    interval_s: Seconds = Field(60.0, description="Time between two snapshots of a partition.")
    keep: Positive = Field(3, description="Snapshots kept of each partition.")
    handover_s: Seconds = Field(10.0, description="Longest last snapshot of a partition that goes elsewhere.")


class DeadLetterSettings(_Group):
    """How many records may be no transactions before the worker stops: then the input is wrong, not a record."""

    max_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="Largest share of rejected records in the last minute."
    )
    max_per_minute: Positive = Field(300_000, description="Most rejected records in the last minute.")
    min_records: Positive = Field(1_000, description="Rejected records in the last minute before the share counts.")


class AlertSettings(_Group):
    """When an alert is raised and what it discloses."""

    alerts_per_million: Annotated[float, Field(gt=0, lt=1_000_000)] = Field(
        1_000.0,
        description="Alert budget: expected alerts in a million ordinary events, before suppression.",
    )
    suppress_s: Annotated[float, Field(ge=0)] = Field(
        3_600.0,
        description="After an alert, the user's further ones of no higher level are hidden this long.",
    )
    cold_start_events: Annotated[int, Field(ge=0)] = Field(
        3, description="Users with fewer earlier events are judged but flagged as cold starts."
    )
    tenant: str = Field("default", description="Goes into the alert id, so that tenants never share one.")
    entity_key: SecretStr | None = Field(
        None,
        description="Key of the hash that replaces user ids in alert bodies; unset leaves them plain.",
    )


class WorkerSettings(_Group):
    """The loop."""

    bundle: Path | None = Field(
        None, description="Folder of the model bundle, or of bundles of which one is in use; required by `run`."
    )
    backend: BackEnd = Field("eager", description="What computes scores; all but `eager` need the extra `onnx`.")
    bundle_check_s: Seconds = Field(
        5.0, description="How soon another bundle is taken over that is put in use in a folder of bundles."
    )
    delivery: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once", description="Whether outputs and offsets share a transaction, or outputs may repeat."
    )
    commit_interval_ms: Annotated[int, Field(ge=0)] = Field(
        10, description="Least time between two commits while records keep coming; 0 commits every batch."
    )
    backlog_interval_ms: Annotated[int, Field(ge=0)] = Field(200, description="The same while full batches come.")
    on_scoring_failure: Literal["fail_closed", "fail_open"] = Field(
        "fail_closed",
        description="If a detector fails on every payment: stop, or go on with flagged alerts of the simplest one.",
    )
    poll_timeout_s: Seconds = Field(0.2, description="Longest wait for records in one turn of the loop.")
    max_poll_records: Positive = Field(2_000, description="Largest micro-batch.")
    flush_timeout_s: Seconds = Field(30.0, description="Longest wait for outputs to be acknowledged.")
    drain_timeout_s: Seconds = Field(20.0, description="Longest orderly shutdown after SIGTERM.")
    stall_after_s: Seconds = Field(60.0, description="Readiness fails when lag exists and nothing moves this long.")
    record_tensors: Path | None = Field(
        None, description="Folder for every scored window, for audits; unset records none."
    )


class HttpSettings(_Group):
    """The port for metrics and health."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in containers.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(9_108, description="Port; 0 takes any free one.")


class LogSettings(_Group):
    """Logs on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity shown.")
    format: Literal["auto", "json", "console"] = Field("auto", description="auto: JSON unless on a terminal.")


class Settings(BaseSettings):
    """All settings; see README for the table."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    topics: TopicSettings = TopicSettings()
    events: EventSettings = EventSettings()
    state: StateSettings = StateSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    alerts: AlertSettings = AlertSettings()
    worker: WorkerSettings = WorkerSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()


class _Environment(EnvSettingsSource):
    """Reads the environment, leaving the `…_FILE` variables of secrets to `_SecretFiles`."""

    def __call__(self) -> dict[str, Any]:
        """Return the nested values found."""
        found = super().__call__()
        for group, name in secret_fields():
            if isinstance(values := found.get(group), dict):
                values.pop(name + _FILE_SUFFIX.lower(), None)
        return found


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads secrets from the files that `…_FILE` variables name, as orchestrators mount them."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: `__call__` returns everything at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Return the nested values found."""
        found: dict[str, Any] = {}
        for group, name in secret_fields():
            variable = f"{PREFIX}{group}__{name}{_FILE_SUFFIX}".upper()
            path = os.environ.get(variable)
            if path is None:
                continue
            try:
                found.setdefault(group, {})[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{variable} names {path!r}, which cannot be read: {error}") from error
        return found


def leaves() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield (group, name, field) of every setting, in the order of their declaration."""
    for group, field in Settings.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, _Group)):
            raise TypeError(f"settings group {group} must be a _Group")
        for name, leaf in model.model_fields.items():
            yield group, name, leaf


def secret_fields() -> tuple[tuple[str, str], ...]:
    """List (group, name) of the settings that hold secrets."""
    return tuple((group, name) for group, name, leaf in leaves() if "SecretStr" in str(leaf.annotation))


def load(config: Path | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    """Read all sources once.

    Args:
        config: a TOML file with one table for each group; None for none.
        overrides: dotted names and values from the command line, e.g. {"http.port": "0"}.

    Raises:
        SettingsError: names every setting at fault, without showing secrets.
    """
    if config is not None:
        try:
            tomllib.loads(config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"settings file {str(config)!r} cannot be read: {error}") from error

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the base fixes the names)
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            files = (TomlConfigSettingsSource(settings_cls, config),) if config is not None else ()
            return (init_settings, _Environment(settings_cls), _SecretFiles(settings_cls), *files)

    nested: dict[str, dict[str, str]] = {}
    for dotted, value in (overrides or {}).items():
        group, _, name = dotted.partition(".")
        if not name:
            raise SettingsError(f"setting {dotted!r} has no group: write it as group.name, e.g. kafka.group_id")
        nested.setdefault(group, {})[name] = value
    try:
        return Loaded(**nested)  # type: ignore[arg-type]  # texts: pydantic converts and checks them
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"]) or "settings"
        remedy = " (no such setting; see `streamer check --settings`)" if fault["type"] == "extra_forbidden" else ""
        lines.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}{remedy}")
    return "invalid settings: " + "; ".join(lines)
