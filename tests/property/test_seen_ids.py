"""Which transaction ids are repeats, against a list of all of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.state.seen import SeenIds
from tests.property.state_oracle import seen_lately

IDS = st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=20)


@settings(deadline=None)
@given(st.integers(1, 9), st.lists(IDS, max_size=8))
def test_an_id_is_new_unless_it_was_seen_lately(capacity: int, batches: list[list[str]]) -> None:
    seen, known = SeenIds(capacity), list[str]()
    for batch in batches:
        new = []
        for position, name in enumerate(batch):
            if name not in seen_lately(known, capacity):
                new.append(position)
                known.append(name)
        assert list(seen.keep_new(batch)) == new
        assert len(seen) == len(seen_lately(known, capacity)) <= seen.most


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(0, 30))
def test_as_many_are_remembered_as_was_asked_for(capacity: int, more: int) -> None:
    seen, names = SeenIds(capacity), [str(number) for number in range(capacity + more)]
    seen.keep_new(names)
    assert not seen.keep_new(names[-capacity:])


@settings(deadline=None)
@given(st.integers(1, 9), IDS, IDS)
def test_what_was_stored_goes_on_like_what_it_is_of(capacity: int, before: list[str], after: list[str]) -> None:
    seen, restored = SeenIds(capacity), SeenIds(capacity)
    seen.keep_new(before)
    restored.restore(seen.export())
    assert list(restored.keep_new(after)) == list(seen.keep_new(after))
    assert restored.export() == seen.export()
