"""Model cards: what they tell, in all their forms, and that they cannot be damaged unseen."""

import base64
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from detectors.bundle import load_bundle
from detectors.training.fit import TrainingConfig
from streamer.bundles import open_bundle
from streamer.cards.card import CARD, ModelCard, decode_card
from streamer.cards.documents import documents_of
from streamer.cards.make import Circumstances
from streamer.cards.read import card_of
from streamer.cli.command_line import command_line
from streamer.errors import BundleError
from streamer.history import History, collect
from streamer.settings import Settings
from streamer.simulate.stream import simulate
from streamer.simulate.to_file import to_file
from streamer.state.features import TABLE
from streamer.training import NewBundle, train_bundle
from streamer.transport.archive import ArchiveSource
from streamer.transport.archive_labels import read_labels
from tests.conftest import SMALL_WORLD
from tests.helpers.small_bundles import small_bundle

WORLD = replace(SMALL_WORLD, episodes_per_1000_user_days=20.0)
PICTURES = {"card_scores.svg", "card_precision_recall.svg", "card_alerts.svg"}
HOSTILE = "CC <b>BY</b> | 4.0 & [x](y)"


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("payments") / "payments.parquet"
    to_file(simulate(WORLD, range(10)), path)
    return path


@pytest.fixture(scope="module")
def history(payments: Path) -> History:
    return collect(ArchiveSource(payments), Settings(), newest=2_500, progress=lambda _: None)


@pytest.fixture(scope="module")
def labels(payments: Path) -> dict[str, bool]:
    return read_labels(payments)


@pytest.fixture(scope="module")
def folder(history: History, labels: dict[str, bool], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cards") / "bundle"
    about = Circumstances("payments.parquet", HOSTILE, "streamer train --seed 3", 10_000.0, labels)
    config = TrainingConfig(seed=3, epochs=1)
    train_bundle(history, NewBundle(place, "line", "4", SMALL_WORLD.start), config, lambda _: None, about=about)
    return place


@pytest.fixture(scope="module")
def card(folder: Path) -> ModelCard:
    found = card_of(folder)
    assert found is not None
    return found


def test_a_card_counts_what_the_bundle_was_made_from(
    card: ModelCard, history: History, labels: dict[str, bool]
) -> None:
    learnt, held_back = card.data.learnt, card.data.held_back
    assert (learnt.payments, held_back.payments) == (2_000, 500)
    assert learnt.last < held_back.first
    known = [labels[str(name)] for name in history.transaction_id]
    assert learnt.labels.fraud == sum(known[:2_000])
    assert held_back.labels.fraud == sum(known[2_000:]) > 0
    assert held_back.labels.rate == pytest.approx(sum(known[2_000:]) / 500)
    assert held_back.users == len(set(history.user_id[2_000:].tolist()))
    assert sum(day.payments for day in card.days) == 500
    assert sum(day.frauds for day in card.days) == held_back.labels.fraud
    assert tuple(feature.name for feature in card.features) == TABLE.names
    assert card.training.seed == 3
    assert card.data.licence == HOSTILE


def test_its_figures_have_intervals_for_the_ensemble_and_each_detector(card: ModelCard) -> None:
    assert set(card.figures) == {"ensemble", "vae", "gan", "tails"}
    for figures in card.figures.values():
        assert {"auc", "average_precision", "alerts_a_day", "corruption_auc", "alert_recall"} <= set(figures)
        assert all(each.low <= each.high for each in figures.values())
    assert card.figures["ensemble"]["auc"].value > 0.8
    alerts = sum(day.alerts for day in card.days)
    assert card.figures["ensemble"]["alerts_a_day"].value == pytest.approx(alerts / days_of(card))
    assert card.against == "fraud"


def days_of(card: ModelCard) -> float:
    first, last = (datetime.fromisoformat(text) for text in (card.data.held_back.first, card.data.held_back.last))
    return (last - first).total_seconds() / 86_400


def test_its_histograms_are_shares(card: ModelCard) -> None:
    for shares in (card.scores.ordinary, card.scores.corrupted, card.scores.fraud):
        assert sum(shares) == pytest.approx(1, abs=1e-3)


def test_all_its_forms_stand_in_the_manifest(folder: Path) -> None:
    files = {entry.name for entry in load_bundle(folder, TABLE).manifest.files}
    assert files >= {CARD, "card.md", "card.html", *PICTURES}
    assert files == {path.name for path in folder.iterdir()} - {"manifest.json"}


def test_the_same_card_gives_the_same_bytes(folder: Path, card: ModelCard) -> None:
    for name, document in documents_of(card).items():
        assert (folder / name).read_bytes() == document, name


class Reader(HTMLParser):
    """Notes every tag, and that each is closed where it must be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_needs_nothing_else_and_shows_the_pictures(folder: Path) -> None:
    reader = Reader()
    text = (folder / "card.html").read_text(encoding="utf-8")
    reader.feed(text)
    assert reader.open == []
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {"script", "link", "iframe", "b"}
    shown = [found["src"] or "" for tag, found in reader.seen if tag == "img"]
    assert len(shown) == len(PICTURES)
    begin = "data:image/svg+xml;base64,"
    assert all(source.startswith(begin) for source in shown)
    drawn = {base64.b64decode(source.removeprefix(begin)) for source in shown}
    assert drawn == {(folder / name).read_bytes() for name in PICTURES}
    assert not re.search(r"(src|href)=\"https?:", text)
    assert any(HOSTILE in words for words in reader.words)


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_the_pictures_are_drawings(folder: Path, name: str) -> None:
    root = ET.fromstring((folder / name).read_bytes())  # noqa: S314 (we drew it)
    assert root.tag.endswith("svg")
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) > 5


def test_markdown_has_whole_tables_and_no_foreign_markup(folder: Path) -> None:
    text = (folder / "card.md").read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(columns) == 1, block
    assert r"CC \<b\>BY\</b\> \| 4.0 & \[x\](y)" in text
    assert set(re.findall(r"!\[[^]]+\]\((\S+)\)", text)) == PICTURES


def test_without_labels_a_card_says_what_it_does_not_know(history: History, tmp_path: Path) -> None:
    new = NewBundle(tmp_path / "bundle", None, "1", SMALL_WORLD.start)
    train_bundle(history, new, TrainingConfig(epochs=1), lambda _: None)
    card = card_of(tmp_path / "bundle")
    assert card is not None
    assert set(card.figures["ensemble"]) == {"alerts_a_day", "corruption_auc", "corruption_recall"}
    assert card.against == "corruption"
    assert card.data.held_back.labels.rate is None
    assert card.scores.fraud == ()
    said = " ".join(card.limits)
    assert "No fraud was known" in said
    assert "licence" in said


def test_few_days_and_few_frauds_are_admitted(card: ModelCard) -> None:
    said = " ".join(card.limits)
    assert re.search(r"made from \d\.\d days", said)
    assert f"Only {card.data.held_back.labels.fraud} held-back payments" in said


def test_without_the_package_that_draws_there_are_no_pictures(card: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("plots", "painting"):
        monkeypatch.delitem(sys.modules, f"streamer.cards.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    documents = documents_of(card)
    assert set(documents) == {CARD, "card.md", "card.html"}
    assert b"<img" not in documents["card.html"]
    assert b"![" not in documents["card.md"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b'"seed": 3', b'"seed": 4'),
        lambda raw: raw + b"\n",
        lambda _: b"",
    ],
)
def test_a_damaged_card_is_found(folder: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / CARD).write_bytes(damage((folder / CARD).read_bytes()))
    with pytest.raises(BundleError, match=r"card\.json"):
        card_of(copy)
    with pytest.raises(BundleError, match=r"card\.json"):
        open_bundle(copy)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"format": 1}', b'{"format": 7}', b"\xff"])
def test_what_is_no_card_is_refused(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"card\.json"):
        decode_card(text)
    bundle = small_bundle(tmp_path / "bundle", "1", {CARD: text})
    with pytest.raises(BundleError, match=r"card\.json"):
        card_of(bundle)
    assert open_bundle(bundle).manifest.made.version == "1", "what it says of itself stops no worker"


def test_a_bundle_from_before_cards_has_none(tmp_path: Path) -> None:
    assert card_of(small_bundle(tmp_path / "bundle", "1")) is None


@pytest.mark.parametrize("name", ["manifest.json", "ensemble.safetensors", "tails.safetensors"])
def test_a_document_cannot_take_the_place_of_another_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=name):
        small_bundle(tmp_path / "bundle", "1", {name: b""})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--set", "kafka.sasl_password=hidden"], "--set 'kafka.sasl_password=***'"),
        (["--set=kafka.sasl_password=hidden"], "'--set=kafka.sasl_password=***'"),
        (["-s", " alerts.entity_key = hidden"], "-s ' alerts.entity_key =***'"),
        (["-salerts.entity_key=hidden"], "'-salerts.entity_key=***'"),
        (["--set", "kafka.sasl_username=me"], "--set kafka.sasl_username=me"),
        (["--data", "a b.parquet"], "--data 'a b.parquet'"),
    ],
)
def test_a_kept_command_can_be_run_again_and_tells_no_secret(given: list[str], told: str) -> None:
    assert command_line(["/opt/bin/streamer", "train", *given]) == f"streamer train {told}"
