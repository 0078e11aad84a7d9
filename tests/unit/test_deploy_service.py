"""The image, the systemd unit and the example settings agree with the program."""

import re
from pathlib import Path

import pytest

from deploy.warm import warm
from streamer.cli.exits import Exit
from streamer.settings import PREFIX, leaves, load, secret_fields

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLES = {f"{PREFIX}{group}__{name}".upper() for group, name, _ in leaves()} | {
    f"{PREFIX}{group}__{name}_FILE".upper() for group, name in secret_fields()
}
UNIT = (DEPLOY / "systemd" / "fraud-streamer.service").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def variables(text: str) -> set[str]:
    return set(re.findall(rf"\b{PREFIX}[A-Z_]+(?==)", text))


def test_the_example_settings_are_valid_with_a_password_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n", encoding="utf-8")
    monkeypatch.setenv("STREAMER_KAFKA__SASL_PASSWORD_FILE", str(password))
    settings = load(DEPLOY / "worker.example.toml")
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.get_secret_value() == "correct horse"
    assert settings.http.host == "0.0.0.0"  # noqa: S104 (what the example says)


@pytest.mark.parametrize(
    "text",
    [UNIT, DOCKERFILE, (DEPLOY / "systemd" / "fraud-streamer.env.example").read_text(encoding="utf-8")],
    ids=["unit", "image", "environment"],
)
def test_variables_are_settings(text: str) -> None:
    assert variables(text)
    assert variables(text) <= VARIABLES


def test_systemd_gives_the_drain_its_time_and_does_not_repeat_what_cannot_succeed() -> None:
    stop = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    hopeless = re.search(r"^RestartPreventExitStatus=(.*)$", UNIT, re.MULTILINE)
    assert stop is not None
    assert hopeless is not None
    assert int(stop.group(1)) > load().worker.drain_timeout_s
    assert {int(code) for code in hopeless.group(1).split()} == {Exit.SETTINGS, Exit.BUNDLE}


def test_the_image_copies_what_the_context_lets_in() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[0] == "!"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for name in " ".join(copied).replace("${LOCK}", "requirements.lock").split():
        assert (ROOT / name).exists(), name
        assert any(Path(name).match(pattern) for pattern in allowed), name


def test_the_image_runs_as_a_number_and_keeps_no_secret() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    secret = {name for name in VARIABLES if re.search(r"PASSWORD|KEY", name)}
    assert not variables(DOCKERFILE) & secret


def test_the_image_runs_with_the_flags_it_was_compiled_with() -> None:
    flags = re.findall(r"NUMBA_\w+=\S+", DOCKERFILE)
    assert sorted(flags[: len(flags) // 2]) == sorted(flags[len(flags) // 2 :])
    assert warm() == 1
