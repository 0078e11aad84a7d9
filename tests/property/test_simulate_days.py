from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.simulate.config import SimulationConfig
from streamer.simulate.stream import simulate


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    users=st.integers(1, 60),
    days=st.integers(1, 8),
    cut=st.integers(0, 8),
    fraud=st.sampled_from([0.0, 3.5, 300.0]),
)
def test_any_two_ranges_join_to_the_whole(seed: int, users: int, days: int, cut: int, fraud: float) -> None:
    config = SimulationConfig(users=users, merchants=24, days=days, seed=seed, episodes_per_1000_user_days=fraud)
    middle = min(cut, days)
    whole = list(simulate(config))
    assert [*simulate(config, range(middle)), *simulate(config, range(middle, days))] == whole
    times = [int(event.transaction.timestamp) for event in whole]
    assert times == sorted(times)
    assert all(abs(float(event.transaction.amount)) >= 0.5 for event in whole)
