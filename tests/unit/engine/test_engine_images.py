"""Images as the engine's clients ask for them."""

from contextlib import aclosing
from dataclasses import replace

import pytest
from fakes import BUSYBOX, World

from weft.daemon.engine import Engine

MINE = replace(
    BUSYBOX,
    id="sha256:" + "c" * 64,
    tags=("mine:one", "mine:two", "team/mine:one", "127.0.0.1:5000/team/mine:one"),
    digests=("mine@sha256:" + "d" * 64,),
)


@pytest.mark.parametrize(
    ("pattern", "tags"),
    [
        ("mine", ("mine:one", "mine:two")),
        ("mine:one", ("mine:one",)),
        ("m*:t*", ("mine:two",)),
        ("*/mine", ("team/mine:one",)),
        ("127.0.0.1:5000/*/mine", ("127.0.0.1:5000/team/mine:one",)),
    ],
)
def test_a_list_by_reference_shows_the_names_that_match(
    world: World, engine: Engine, pattern: str, tags: tuple[str, ...]
) -> None:
    world.images.records.append(MINE)
    (found,) = engine.images.filtered({"reference": (pattern,)}, all=False)
    assert (found.id, found.tags) == (MINE.id, tags)


async def test_a_repository_without_latest_is_saved_with_all_its_tags(world: World, engine: Engine) -> None:
    world.images.records.append(MINE)
    assert [piece async for piece in engine.images.save(("mine",))] == [b"archive"]
    assert world.images.saved == [("mine",)]
    async with aclosing(engine.events.subscribe(filters={}, since=1, until=1 << 62)) as events:
        told = await anext(events)
    assert (told.action, told.actor_id) == ("save", MINE.id)
