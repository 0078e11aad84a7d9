"""Mapping files: what they may say, and what is said of wrong ones."""

from pathlib import Path

import pytest

from streamer.checks import all_checks
from streamer.errors import MalformedEvent, SettingsError
from streamer.events.mapping_file import open_mapping, presets
from streamer.settings import Settings
from tests.helpers.mappings import PLAIN, mapping_of, read

PLAIN_TOML = "".join(f'{field} = "{column}"\n' for field, column in PLAIN.items())


def test_no_name_is_no_mapping() -> None:
    assert open_mapping(None) is None


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_a_mapping(name: str) -> None:
    mapping = open_mapping(name)
    assert mapping is not None
    assert mapping.label is not None
    assert mapping.label not in mapping.columns


def test_the_handbook_preset_reads_typed_and_written_times() -> None:
    mapping = open_mapping("handbook")
    assert mapping is not None
    rest = b'"TRANSACTION_ID": 288062, "CUSTOMER_ID": 0, "TERMINAL_ID": 3, "TX_AMOUNT": 1.5, "TX_FRAUD": 1}'
    for time in (b"1525132881000", b'"2018-05-01 00:01:21"'):
        event = read(mapping, b'{"TX_DATETIME": ' + time + b", " + rest)
        assert (event.transaction_id, event.user_id, event.merchant_id) == ("288062", "0", "3")
        assert (event.amount, event.timestamp) == (1.5, 1_525_132_881_000)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("user_id = ", "is no TOML"),
        (PLAIN_TOML.replace('amount = "amount"\n', ""), "missing required field `amount`"),
        (PLAIN_TOML + 'merchant = "m"', "unknown field `merchant`"),
        (PLAIN_TOML + 'category = {colum = "c"}', "category: .*unknown field `colum`"),
        (PLAIN_TOML + 'category = {column = "c", constant = "x"}', "category: name one of column"),
        (PLAIN_TOML + "category = {columns = []}", "category.columns: .* of length >= 1"),
        (PLAIN_TOML + 'label = "amount"', "label 'amount'"),
        (PLAIN_TOML + 'latitude = {columns = ["a", "b"]}', "joins columns to a latitude"),
        (PLAIN_TOML + 'label = ""', "label: .* of length >= 1"),
        (PLAIN_TOML.replace('"user"', '""'), "user_id: .* of length >= 1"),
        (PLAIN_TOML.replace('"user"', '{constant = "u"}'), "gives all payments one user_id"),
        (PLAIN_TOML.replace('"amount"', '{column = "a", unit = "cents"}'), "amount.unit"),
        (PLAIN_TOML.replace('"amount"', '{column = "a", decimal = ",", thousands = ","}'), "amount: ',' cannot"),
        (PLAIN_TOML.replace('"amount"', '{columns = ["a", "b"]}'), "amount: an amount stands in one column"),
        (PLAIN_TOML.replace('"amount"', '{column = "a", scale = 40}'), "amount: scale is 40"),
        (PLAIN_TOML.replace('"time"', '{column = "t", zone = "Mars/Olympus"}'), "timestamp: .*'Mars/Olympus'"),
        (PLAIN_TOML.replace('"time"', '{column = "t", format = "%Y"}'), "timestamp: a format without %z needs a zone"),
        (PLAIN_TOML.replace('"time"', '{column = "t", format = "%d.%m. %z"}'), "timestamp: .* names no whole date"),
        (PLAIN_TOML.replace('"time"', '{column = "t", format = "%Y-%Q", zone = "UTC"}'), "timestamp: .*'Q'"),
    ],
)
def test_faults_name_file_field_and_remedy(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "m.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        open_mapping(str(file))
    assert str(file) in str(caught.value)


def test_an_absent_file_tells_the_presets(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the presets are handbook"):
        open_mapping(str(tmp_path / "absent.toml"))


def test_a_fault_names_field_value_columns_and_remedy(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, amount='"TX_AMOUNT"')
    with pytest.raises(MalformedEvent) as caught:
        read(mapping, b'{"id": 1, "user": 2, "TX_AMOUNT": "twelve", "time": 1700000000000}')
    for part in ("'amount'", "'twelve'", "'TX_AMOUNT'", "decimal number"):
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [b"[]", b"{", b"\xff", b'"x"', b"1", b"{}", b'{"amount": NaN}', b"[" * 5000])
def test_what_is_no_object_is_malformed(tmp_path: Path, value: bytes) -> None:
    with pytest.raises(MalformedEvent):
        read(mapping_of(tmp_path), value)


def test_a_name_with_dots_is_a_field_first_and_a_path_then(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, user_id='"a.b"')
    rest = b'"id": 1, "amount": 2, "time": 1700000000000'
    assert read(mapping, b'{"a.b": "plain", "a": {"b": "nested"}, ' + rest + b"}").user_id == "plain"
    assert read(mapping, b'{"a": {"b": "nested"}, ' + rest + b"}").user_id == "nested"


def test_constants_and_money_in(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, currency='{constant = "eur"}', channel='{constant = "online"}')
    event = read(mapping, b'{"id": 1, "user": 2, "amount": 2, "time": 1700000000000}')
    assert (event.currency, event.channel) == ("EUR", "online")
    inverted = mapping_of(tmp_path, amount='{column = "amount", positive = "in"}')
    assert read(inverted, b'{"id": 1, "user": 2, "amount": -2.5, "time": 1700000000000}').amount == 2.5


def test_check_says_what_the_worker_will_read(tmp_path: Path) -> None:
    settings = Settings()
    events = settings.events.model_copy(update={"mapping": "handbook"})
    checks = dict(all_checks(settings.model_copy(update={"events": events}), create_partitions=None))
    assert "TX_AMOUNT" in checks["mapping"]()
    assert "TX_FRAUD" not in checks["mapping"]()
    assert dict(all_checks(settings, create_partitions=None))["mapping"]() == "canonical transactions"
