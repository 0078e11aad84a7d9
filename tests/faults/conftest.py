"""What tests of faults share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from detectors.bundle import Bundle
from streamer.bundles import open_bundle
from tests.faults.trial import Trial
from tests.helpers.listeners import TwoDoors, two_doors


@pytest.fixture(scope="session")
def opened(bundle: Path) -> Bundle:
    """The bundle of all workers, opened for the oracle."""
    return open_bundle(bundle)


@pytest.fixture
def trial(kafka: str, bundle: Path, opened: Bundle, tmp_path: Path) -> Iterator[Trial]:
    """A trial on the common broker."""
    with Trial(kafka, bundle, opened, tmp_path) as trial:
        yield trial


@pytest.fixture(scope="session")
def shaky(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[TwoDoors]:
    """A broker that may be killed, with a second door behind a proxy."""
    with two_doors(tmp_path_factory.mktemp("shaky"), jars) as doors:
        yield doors


@pytest.fixture
def shaky_trial(shaky: TwoDoors, bundle: Path, opened: Bundle, tmp_path: Path) -> Iterator[Trial]:
    """A trial on the shaky broker, with the workers behind the proxy."""
    with Trial(shaky.straight, bundle, opened, tmp_path, workers_bootstrap=shaky.through_proxy) as trial:
        yield trial
