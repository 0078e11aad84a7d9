"""The autoregressive model: what it expects of the next event, and in which order."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from detectors.api import Windows
from detectors.models.autoregressive import Autoregressive, AutoregressiveConfig, NextEventNetwork, rarities
from detectors.models.backbones import BACKBONES
from detectors.models.next_event import FIELDS, NextEvents, columns_of, known_by_field
from detectors.training.fit import TrainingConfig, fit_autoregressive
from streamer.state.features import TABLE
from tests.helpers.lessons import parts, scaling
from tests.helpers.windows import set_last

CONFIG = TrainingConfig(epochs=4, batch_size=128)
PLACE = {field.feature: place for place, field in enumerate(FIELDS)}


@cache
def detector() -> Autoregressive:
    return fit_autoregressive(parts(), TABLE, CONFIG, lambda _: None)


def inputs(windows: Windows) -> tuple[Tensor, Tensor, Tensor]:
    events = NextEvents.of(windows, scaling(), TABLE)
    return tuple(map(torch.from_numpy, (scaling().window(windows), events.known, events.values)))  # type: ignore[return-value]


def fresh(backbone: str = "tcn") -> NextEventNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NextEventNetwork(AutoregressiveConfig(backbone=backbone), TABLE)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_parameter_learns(backbone: str) -> None:
    network = fresh(backbone)
    network.surprise(*inputs(parts().fit.rows(slice(0, 1_000)))).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_one_batch_can_be_learnt_by_heart() -> None:
    network, batch = fresh(), inputs(parts().fit.rows(slice(1_000, 1_032)))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(250):
        optimiser.zero_grad()
        network.surprise(*batch).sum(dim=1).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    surprise = network.surprise(*batch).detach().mean(dim=0)
    for feature in ("hour_rarity", "merchant_novelty", "category_rarity"):
        assert surprise[PLACE[feature]] < 0.1, feature
    # No component can be surer than the floor of its sd, -1.5.
    assert surprise[PLACE["amount_ratio"]] < -1.0


def test_the_judged_event_is_hidden_from_its_context() -> None:
    windows = parts().held_back.rows(slice(0, 50))
    steps = windows.steps.copy()
    steps[:, -1] = 3
    # Its values and what is known before each are read elsewhere.
    other = Windows(steps, windows.length, windows.last)
    trained = detector().trained
    assert rarities(trained, other).tobytes() == rarities(trained, windows).tobytes()


@pytest.mark.parametrize("place", range(len(FIELDS)))
def test_a_field_is_expected_without_itself_and_those_after_it(place: int) -> None:
    window, known, _ = inputs(parts().held_back.rows(slice(0, 50)))
    changed = known.clone()
    changed[:, known_by_field()[place] :] += 1
    network = detector().trained.network
    before, after = network.densities(window, known), network.densities(window, changed)
    for earlier in range(place + 1):
        assert torch.equal(before[earlier], after[earlier])


def test_what_is_known_of_a_field_never_tells_the_field() -> None:
    """Change the values of a field alone, with all that follows from them: nothing known to it moves."""
    windows = parts().held_back.rows(slice(0, 100))
    known = NextEvents.of(windows, scaling(), TABLE).known
    dearer = windows.last.copy()
    for name in ("log_amount", "amount_ratio", "merchant_amount_ratio"):
        dearer[:, TABLE.column(name)] += 1.5
    assert np.allclose(NextEvents.of(set_last(windows, dearer), scaling(), TABLE).known, known, atol=1e-3)
    sooner = windows.last.copy()
    for name in ("quickness", "quickness_ratio"):
        sooner[:, TABLE.column(name)] += 1.5
    place = PLACE["quickness_ratio"]
    told = NextEvents.of(set_last(windows, sooner), scaling(), TABLE).known[:, : known_by_field()[place]]
    assert np.allclose(told, known[:, : known_by_field()[place]], atol=1e-3)


def test_the_hour_is_read_from_the_time_of_day() -> None:
    windows = parts().held_back.rows(slice(0, 24))
    last = windows.last.copy()
    turn = 2 * np.pi * np.arange(24) / 24
    last[:, TABLE.column("hour_sin")], last[:, TABLE.column("hour_cos")] = np.sin(turn), np.cos(turn)
    events = NextEvents.of(set_last(windows, last), scaling(), TABLE)
    assert events.values[:, PLACE["hour_rarity"]].tolist() == list(range(24))


def test_training_makes_the_next_event_less_surprising_than_counting_would() -> None:
    batch, network = inputs(parts().held_back), detector().trained.network
    with torch.inference_mode():
        trained = network.surprise(*batch).mean(dim=0)
    hours = inputs(parts().fit)[2][:, PLACE["hour_rarity"]].long().bincount(minlength=24).float()
    counted = -(hours / hours.sum()).log()[batch[2][:, PLACE["hour_rarity"]].long()].mean()
    assert trained[PLACE["hour_rarity"]] < counted


def test_rare_is_what_is_rarely_drawn() -> None:
    """Of calibrated rarities, a share of 1/e lies above 1, whatever the field."""
    found = rarities(detector().trained, parts().held_back)
    for feature in ("quickness_ratio", "amount_ratio"):
        assert (found[:, PLACE[feature]] > 1).mean() == pytest.approx(np.exp(-1), abs=0.12), feature


@pytest.mark.parametrize(("feature", "small", "large"), [("amount_ratio", -3.0, 3.0), ("quickness_ratio", -3.0, 6.0)])
def test_only_deviations_towards_risk_count(feature: str, small: float, large: float) -> None:
    windows = parts().held_back.rows(slice(0, 200))
    column = TABLE.column(feature)

    def reasons(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        last = windows.last.copy()
        last[:, column] = value
        return detector().explain(set_last(windows, last))[:, column]

    assert reasons(small).mean() < 0.1
    assert reasons(large).mean() > 3


def test_each_field_speaks_of_a_feature_of_its_own() -> None:
    assert len(set(columns_of(TABLE))) == len(FIELDS)
