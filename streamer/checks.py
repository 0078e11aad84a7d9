"""What `streamer check` looks at; each check says what it found or raises."""

from collections.abc import Callable, Iterator
from functools import partial

from streamer.alerts.texts import time_text
from streamer.bundles import open_bundle
from streamer.errors import SettingsError, TransportError
from streamer.events.mapping_file import open_mapping
from streamer.events.record import TopicPartition
from streamer.settings import PREFIX, KafkaSettings, Settings, leaves
from streamer.state.store import SnapshotStore
from streamer.transport.clients import clients_of
from streamer.transport.kafka_admin import create_topics, missing_topics, probe, require_topics
from streamer.transport.kafka_limits import excesses, limits_of, untold

Check = Callable[[], str]


class _Brokers:
    """Looks for brokers; if they cannot be asked, what else asks them something would only wait once more."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._away = False

    def look(self) -> str:
        self._away = True
        found = str(probe(self._settings))
        self._away = False
        return found

    def needed_by(self, check: Check) -> Check:
        def check_if_asked() -> str:
            if self._away:
                raise TransportError("not looked at, as the brokers could not be asked")
            return check()

        return check_if_asked


def all_checks(settings: Settings, *, create_partitions: int | None) -> Iterator[tuple[str, Check]]:
    """Yield (name, check) in the order in which faults hide one another.

    Args:
        settings: already read, hence already valid.
        create_partitions: partitions of topics to be created; None creates none.
    """
    names = settings.topics.names
    brokers = _Brokers(settings.kafka)

    def topics() -> str:
        if create_partitions is not None:
            absent = missing_topics(settings.kafka, names)
            create_topics(settings.kafka, dict.fromkeys(absent, create_partitions))
        require_topics(settings.kafka, names)
        return ", ".join(names)

    def limits() -> str:
        missing = missing_topics(settings.kafka, names)
        outputs = [topic for topic in names[1:] if topic not in missing]
        found = limits_of(settings.kafka, outputs)
        transactional = settings.worker.delivery == "exactly_once"
        if wrong := list(excesses(found, settings.kafka, transactional=transactional)):
            raise SettingsError("; ".join(wrong))
        if unknown := list(untold(found, outputs, transactional=transactional)):
            return (
                f"could not be checked, as this user may not describe them: {', '.join(unknown)}; to have them "
                "checked, grant it DescribeConfigs on the cluster and on the topics"
            )
        return "timeouts and message sizes are within what brokers and topics allow"

    yield "settings", lambda: f"{sum(1 for _ in leaves())} settings are valid"
    yield "mapping", partial(_mapping, settings)
    yield "bundle", partial(_bundle, settings)
    yield "client", partial(_client, settings)
    yield "brokers", brokers.look
    yield "topics", brokers.needed_by(topics)
    yield "limits", brokers.needed_by(limits)
    yield "snapshots", partial(_snapshots, settings)


def _mapping(settings: Settings) -> str:
    found = open_mapping(settings.events.mapping)
    return "canonical transactions" if found is None else f"reads {', '.join(found.columns)}"


def _bundle(settings: Settings) -> str:
    found = open_bundle(settings.worker.bundle, settings.worker.backend).manifest.made
    made = f"{found.bundle_id} version {found.version}, made {time_text(found.created_at)}"
    return f"{made}; scores by the back end {settings.worker.backend}"


def _client(settings: Settings) -> str:
    clients_of(settings.kafka)
    return f"the worker reads and writes by {settings.kafka.client}"


def _snapshots(settings: Settings) -> str:
    if settings.snapshots.url is None:
        return "none are kept; a restart reads the log again (setting snapshots.url)"
    store = SnapshotStore(settings.snapshots.url, settings.kafka.group_id, keep=settings.snapshots.keep)
    found = store.offsets(TopicPartition(settings.topics.transactions, 0))
    return f"{store!r} can be read; {len(found)} of partition 0 are there"


def settings_table() -> str:
    """Return all settings as a Markdown table, in the order of their declaration."""
    lines = ["| setting | default | environment | meaning |", "|---|---|---|---|"]
    for group, name, field in leaves():
        default = "" if field.default is None else f"`{field.default}`"
        variable = f"{PREFIX}{group}__{name}".upper()
        secret = " Secret: also from the file named by `" + variable + "_FILE`." if _is_secret(field.annotation) else ""
        lines.append(f"| `{group}.{name}` | {default} | `{variable}` | {field.description}{secret} |")
    return "\n".join(lines)


def _is_secret(annotation: object) -> bool:
    return "SecretStr" in str(annotation)
