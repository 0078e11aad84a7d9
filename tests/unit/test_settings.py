"""Settings: sources in their order, secrets masked, mistakes named."""

from pathlib import Path

import pytest

from streamer.errors import SettingsError
from streamer.settings import leaves, load


def test_defaults_need_no_source() -> None:
    assert load().kafka.group_id == "fraud-streamer"


def test_flags_beat_environment_beats_secret_file_beats_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = tmp_path / "worker.toml"
    toml.write_text('[kafka]\ngroup_id = "toml"\nclient_id = "toml"\nsasl_password = "toml"\n[http]\nport = 1\n')
    secret = tmp_path / "password"
    secret.write_text("from-file\n")
    monkeypatch.setenv("STREAMER_KAFKA__GROUP_ID", "environment")
    monkeypatch.setenv("STREAMER_HTTP__PORT", "2")
    monkeypatch.setenv("STREAMER_KAFKA__SASL_PASSWORD_FILE", str(secret))
    settings = load(toml, {"http.port": "3"})
    assert settings.http.port == 3
    assert settings.kafka.group_id == "environment"
    assert settings.kafka.client_id == "toml"
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.get_secret_value() == "from-file"


def test_secrets_appear_in_no_text() -> None:
    settings = load(None, {"kafka.sasl_password": "hunter2", "alerts.entity_key": "hunter2"})
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("kafka.grup_id", "x", "kafka.grup_id"),
        ("http.port", "99999", "http.port"),
        ("http.port", "many", "http.port"),
        ("nonsense.x", "1", "nonsense"),
        ("kafka.security_protocol", "TLS", "kafka.security_protocol"),
        ("state.users", "0", "state.users"),
    ],
)
def test_a_mistake_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load(None, {name: value})


def test_half_a_login_names_what_is_missing_but_not_the_secret() -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {"kafka.security_protocol": "SASL_SSL", "kafka.sasl_password": "hunter2"})
    assert "kafka.sasl_username" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["[kafka", "\xff\xfe", 'x = "'])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    toml = tmp_path / "broken.toml"
    toml.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        load(toml)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load(tmp_path / "absent.toml")


def test_an_unreadable_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMER_ALERTS__ENTITY_KEY_FILE", "/nowhere/key")
    with pytest.raises(SettingsError, match="STREAMER_ALERTS__ENTITY_KEY_FILE"):
        load()


@pytest.mark.parametrize("name", ["topics.alerts", "topics.dead_letters"])
def test_an_output_topic_is_no_input_topic(name: str) -> None:
    with pytest.raises(SettingsError, match="topics: 'loop' is read and written"):
        load(None, {"topics.transactions": "loop", name: "loop"})


def test_every_setting_is_described() -> None:
    assert all(field.description for _, _, field in leaves())


@pytest.mark.parametrize("setting", ["transactions", "alerts", "dead_letters", "scores"])
@pytest.mark.parametrize("name", ["", ".", "..", "two words", "a/b", "zahlungen-für-alle", "x\n", "x" * 250])
def test_a_name_that_no_topic_may_have_is_refused_with_the_rule(setting: str, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"topics\.{setting}: .* cannot name a topic: use 1 to 249 of the letters"):
        load(None, {f"topics.{setting}": name})


@pytest.mark.parametrize("name", ["x", "...", "_x", "a.b_C-9", "x" * 249])
def test_every_name_that_a_topic_may_have_is_taken(name: str) -> None:
    assert load(None, {"topics.transactions": name}).topics.transactions == name


def test_topics_of_kafkas_own_are_refused() -> None:
    with pytest.raises(SettingsError, match="Kafka's own"):
        load(None, {"topics.dead_letters": "__consumer_offsets"})
