"""Transaction ids that no memory of them can hold."""

import pytest

from streamer.state.seen import SeenIds


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([], "0 ids in 0 generations are held; 6 in 3 may be"),
        ([["a"], ["b"], ["c"], ["d"]], "4 ids in 4 generations are held"),
        ([list("abcdefg")], "7 ids in 1 generations are held"),
        ([["a"], ["b", "a"]], "a transaction id stands twice"),
        ([["a", "a"]], "a transaction id stands twice"),
    ],
)
def test_what_cannot_have_been_kept_is_refused(held: list[list[str]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SeenIds(4).restore(held)
