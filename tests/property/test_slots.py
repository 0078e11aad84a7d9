"""Names to rows, against an ordered dictionary."""

from collections import OrderedDict

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.state.slots import SlotIndex

NAMES = st.sampled_from([None, *"abcdefghij"])


class Oracle:
    """The same, slow and plain."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.slots: OrderedDict[str, int] = OrderedDict()
        self.evictions = 0

    def assign(self, name: str | None) -> tuple[int, bool]:
        if name is None:
            return 0, False
        if name in self.slots:
            self.slots.move_to_end(name)
            return self.slots[name], False
        if len(self.slots) < self._capacity:
            slot = 1 + len(self.slots)
        else:
            _, slot = self.slots.popitem(last=False)
            self.evictions += 1
        self.slots[name] = slot
        return slot, True


@settings(deadline=None)
@given(st.integers(1, 6), st.lists(st.lists(NAMES, max_size=20), max_size=8))
def test_rows_and_order_equal_those_of_an_ordered_dictionary(capacity: int, batches: list[list[str | None]]) -> None:
    index, oracle = SlotIndex(capacity, first=1), Oracle(capacity)
    for batch in batches:
        rows, fresh = index.assign(batch)
        assert list(zip(rows.tolist(), fresh.tolist(), strict=True)) == [oracle.assign(name) for name in batch]
        held = index.export()
        assert [held.names[row] for row in held.order] == list(oracle.slots)
        assert [index.name(slot, len(batch)) for slot in oracle.slots.values()] == list(oracle.slots)
    assert (len(index), index.evictions) == (len(oracle.slots), oracle.evictions)


@settings(deadline=None)
@given(st.integers(1, 6), st.lists(NAMES, max_size=30), st.lists(NAMES, max_size=30))
def test_an_index_that_was_stored_goes_on_like_the_one_it_is_of(
    capacity: int, before: list[str | None], after: list[str | None]
) -> None:
    index, restored = SlotIndex(capacity, first=1), SlotIndex(capacity, first=1)
    index.assign(before)
    restored.restore(index.export())
    for left, right in zip(index.assign(after), restored.assign(after), strict=True):
        assert left.tolist() == right.tolist()
