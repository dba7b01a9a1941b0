"""The regions that an edit is for, kept track of until it is made: earlier changes renumber them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.regions import RegionMap


class Targets:
    """Regions by the ids that they have now.

    Attributes:
        ids: of those that are still there, in the order they were given.
        names: what they were called, for a sentence.
    """

    def __init__(self, ids: Iterable[int], names: str) -> None:
        self.ids = tuple(ids)
        self.names = names

    def renumber(self, new: Mapping[int, int]) -> None:
        """Take the ids after a change, by those of before; a region that is left out is gone."""
        self.ids = tuple(new[region] for region in self.ids if region in new)


def renumbered(before: RegionMap, after: RegionMap) -> dict[int, int]:
    """Which id each region has after a change, by that of before; without the regions that are gone.

    A change keeps the names of the regions that it leaves, or gives one a new name and moves no pixel.
    """
    if after.labels is before.labels:
        return {region.id: region.id for region in before.regions}
    ids = {region.name: region.id for region in after.regions}
    return {region.id: ids[region.name] for region in before.regions if region.name in ids}
