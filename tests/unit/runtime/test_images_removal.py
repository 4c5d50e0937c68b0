"""What rm and prune decide."""

import pytest

from weft.engine.contract.images import ImageUse
from weft.model.errors import Conflict
from weft.model.image import ImageConfig, ImageRecord
from weft.runtime.images.reference import parse
from weft.runtime.images.removal import is_unused, remove_image, remove_name

ID = "sha256:" + "1234567890ab" + "0" * 52
DIGEST = "sha256:" + "d" * 64
RUNNING = ImageUse("c" * 64, running=True)
STOPPED = ImageUse("e" * 64, running=False)


def image(*tags: str, digests: tuple[str, ...] = (), **labels: str) -> ImageRecord:
    return ImageRecord(
        id=ID, created="", architecture="amd64", tags=tags, digests=digests, config=ImageConfig(labels=labels)
    )


def test_the_last_name_takes_the_image_with_it() -> None:
    removal = remove_name(image("a:1"), parse("a:1"), "a:1", (), force=False)
    assert (removal.record, removal.untagged) == (None, ("a:1",))


def test_one_name_of_several_leaves_the_image() -> None:
    removal = remove_name(image("a:1", "b:1"), parse("a:1"), "a:1", (RUNNING,), force=False)
    assert removal.record is not None
    assert (removal.record.tags, removal.untagged) == (("b:1",), ("a:1",))


def test_digests_of_the_repository_go_with_its_last_tag() -> None:
    record = image("a:1", digests=(f"a@{DIGEST}",))
    removal = remove_name(record, parse("a:1"), "a:1", (), force=False)
    assert (removal.record, removal.untagged) == (None, ("a:1", f"a@{DIGEST}"))
    both = image("a:1", "a:2", digests=(f"a@{DIGEST}",))
    kept = remove_name(both, parse("a:1"), "a:1", (), force=False).record
    assert kept is not None
    assert (kept.tags, kept.digests) == (("a:2",), (f"a@{DIGEST}",))


def test_the_only_name_of_a_used_image_stays() -> None:
    for use in (RUNNING, STOPPED):
        with pytest.raises(Conflict) as conflict:
            remove_name(image("a:1"), parse("a:1"), "a:1", (use,), force=False)
        assert conflict.value.message == (
            f'conflict: unable to remove repository reference "a:1" (must force) - container {use.container_id[:12]} '
            "is using its referenced image 1234567890ab"
        )


def test_force_untags_what_runs_and_deletes_what_is_stopped() -> None:
    running = remove_name(image("a:1"), parse("a:1"), "a:1", (RUNNING,), force=True)
    assert running.record is not None
    assert running.record.tags == ()
    assert remove_name(image("a:1"), parse("a:1"), "a:1", (STOPPED,), force=True).record is None


@pytest.mark.parametrize(
    ("record", "uses", "force", "words"),
    [
        (image("a:1"), (STOPPED, RUNNING), True,
         "conflict: unable to delete 1234567890ab (cannot be forced) - image is being used by running container "
         "cccccccccccc"),
        (image("a:1", "b:1"), (), False,
         "conflict: unable to delete 1234567890ab (must be forced) - image is referenced in multiple repositories"),
        (image("a:1", "a:2"), (), False,
         "conflict: unable to delete 1234567890ab (must be forced) - image is referenced in multiple repositories"),
        (image(), (STOPPED,), False,
         "conflict: unable to delete 1234567890ab (must be forced) - image is being used by stopped container "
         "eeeeeeeeeeee"),
    ],
)  # fmt: skip
def test_conflicts_by_id(record: ImageRecord, uses: tuple[ImageUse, ...], force: bool, words: str) -> None:
    with pytest.raises(Conflict) as conflict:
        remove_image(record, uses, force=force)
    assert conflict.value.message == words


def test_by_id_all_names_go() -> None:
    forced = remove_image(image("a:1", "b:1", digests=(f"a@{DIGEST}",)), (STOPPED,), force=True)
    assert (forced.record, forced.untagged) == (None, ("a:1", "b:1", f"a@{DIGEST}"))
    single = remove_image(image("a:1", digests=(f"a@{DIGEST}",)), (), force=False)
    assert single.record is None


def test_prune_filters() -> None:
    record = image("a:1", k="v")
    assert not is_unused(record, dangling=True, labels=(), without=())
    assert is_unused(image(), dangling=True, labels=(), without=())
    assert is_unused(record, dangling=False, labels=("k", "k=v"), without=("k=w", "other"))
    assert not is_unused(record, dangling=False, labels=("k=w",), without=())
    assert not is_unused(record, dangling=False, labels=(), without=("k",))
