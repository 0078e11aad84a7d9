"""Consumer groups of the in-memory broker: who owns which partition, and what is committed."""

from collections.abc import Sequence

from streamer.events.record import TopicPartition


class Group:
    """One group: members, their partitions, committed offsets.

    Partitions move cooperatively, as with Kafka's cooperative assignors: a member keeps what
    it may keep, gives up the rest when it polls, and only then another member gets it.
    """

    def __init__(self, group_id: str) -> None:
        """Begin without members."""
        self.group_id = group_id
        self.generation = 0
        self.committed: dict[TopicPartition, int] = {}
        self._members: dict[str, Sequence[TopicPartition]] = {}
        self._owner: dict[TopicPartition, str] = {}
        self._taken_in: dict[TopicPartition, int] = {}
        self._target: dict[TopicPartition, str] = {}

    def join(self, member: str, wanted: Sequence[TopicPartition]) -> None:
        """Add a member that wants a share of some partitions."""
        if member not in self._members:
            self._members[member] = wanted
            self._balance()

    def leave(self, member: str) -> None:
        """Remove a member; its partitions are free at once."""
        if self._members.pop(member, None) is not None:
            self._owner = {place: owner for place, owner in self._owner.items() if owner != member}
            self._balance()

    def owns(self, member: str, place: TopicPartition) -> bool:
        """Tell whether a partition is a member's."""
        return self._owner.get(place) == member

    def owned_since(self, member: str, place: TopicPartition, generation: int) -> bool:
        """Tell whether a partition is a member's, and has been so at least from a generation on."""
        return self.owns(member, place) and self._taken_in[place] <= generation

    def to_give_up(self, member: str) -> list[TopicPartition]:
        """List a member's partitions that are meant for others."""
        return sorted(
            place for place, owner in self._owner.items() if owner == member and self._target.get(place) != member
        )

    def to_take(self, member: str) -> list[TopicPartition]:
        """List the free partitions that are meant for a member."""
        return sorted(place for place, target in self._target.items() if target == member and place not in self._owner)

    def give_up(self, places: Sequence[TopicPartition]) -> None:
        """Set partitions free."""
        for place in places:
            self._owner.pop(place, None)

    def take(self, member: str, places: Sequence[TopicPartition]) -> None:
        """Give free partitions to a member."""
        if places:
            self.generation += 1
        self._owner.update(dict.fromkeys(places, member))
        self._taken_in.update(dict.fromkeys(places, self.generation))

    def _balance(self) -> None:
        """Share the partitions evenly; owners keep theirs up to their share, some one more."""
        self.generation += 1
        places = sorted({place for wanted in self._members.values() for place in wanted})
        self._target = {}
        if not self._members:
            return
        share, larger = divmod(len(places), len(self._members))
        load = dict.fromkeys(self._members, 0)
        for place in places:
            owner = self._owner.get(place)
            if owner is None or load[owner] > share or (load[owner] == share and not larger):
                continue
            larger -= load[owner] == share
            self._target[place] = owner
            load[owner] += 1
        for place in places:
            if place not in self._target:
                member = min((m for m in self._members if place in self._members[m]), key=load.__getitem__)
                self._target[place] = member
                load[member] += 1
