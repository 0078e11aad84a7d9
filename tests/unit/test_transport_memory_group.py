"""Groups share their partitions evenly, completely, exclusively and with few moves."""

from hypothesis import given
from hypothesis import strategies as st

from streamer.events.record import TopicPartition
from streamer.transport.memory_group import Group

steps = st.lists(st.tuples(st.sampled_from(["join", "leave", "poll"]), st.sampled_from("abcde")), max_size=40)


def poll(group: Group, member: str) -> None:
    """Give up and take, as a consumer does when it polls."""
    group.give_up(group.to_give_up(member))
    group.take(member, group.to_take(member))


@given(partitions=st.integers(1, 9), steps=steps)
def test_partitions_are_shared_evenly_whatever_happened(partitions: int, steps: list[tuple[str, str]]) -> None:
    places = [TopicPartition("events", number) for number in range(partitions)]
    group = Group("readers")
    members: set[str] = set()
    for step, member in steps:
        if step == "join":
            group.join(member, places)
            members.add(member)
        elif step == "leave":
            group.leave(member)
            members.discard(member)
        elif member in members:
            poll(group, member)
        for place in places:
            assert sum(group.owns(member, place) for member in "abcde") <= 1
    for _ in range(2):
        for member in members:
            poll(group, member)
    if members:
        owned = [sum(group.owns(member, place) for place in places) for member in members]
        assert sum(owned) == partitions
        assert max(owned) - min(owned) <= 1
    assert all(not group.to_give_up(member) and not group.to_take(member) for member in members)


@given(partitions=st.integers(1, 12), count=st.integers(1, 4))
def test_a_newcomer_costs_the_others_only_what_it_gets(partitions: int, count: int) -> None:
    places = [TopicPartition("events", number) for number in range(partitions)]
    group = Group("readers")
    members = [f"member-{number}" for number in range(count)]
    for member in members:
        group.join(member, places)
    for _ in range(2):
        for member in members:
            poll(group, member)
    group.join("newcomer", places)
    given_up = sum(len(group.to_give_up(member)) for member in members)
    for member in members:
        poll(group, member)
    assert given_up == len(group.to_take("newcomer")) == partitions // (count + 1)
