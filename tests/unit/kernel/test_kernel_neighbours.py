"""Limits of neighbours are raised, never lowered."""

from pathlib import Path

from weft.kernel.neighbours import make_room


def table(root: Path, family: str, *limits: int) -> Path:
    directory = root / family / "neigh/default"
    directory.mkdir(parents=True)
    for number, limit in enumerate(limits, 1):
        (directory / f"gc_thresh{number}").write_text(f"{limit}\n")
    return directory


def limits(directory: Path) -> list[int]:
    return [int((directory / f"gc_thresh{number}").read_text()) for number in (1, 2, 3)]


def test_a_kernels_own_limits_are_raised(tmp_path: Path) -> None:
    ipv4, ipv6 = (table(tmp_path, family, 128, 512, 1024) for family in ("ipv4", "ipv6"))
    assert make_room(tmp_path) == 65536
    assert limits(ipv4) == limits(ipv6) == [8192, 49152, 65536]


def test_what_somebody_raised_stays(tmp_path: Path) -> None:
    ipv4, ipv6 = table(tmp_path, "ipv4", 10_000, 20_000, 300_000), table(tmp_path, "ipv6", 1, 2, 3)
    assert make_room(tmp_path) == 65536
    assert (limits(ipv4), limits(ipv6)) == ([10_000, 49152, 300_000], [8192, 49152, 65536])


def test_another_namespace_than_the_first_shows_none(tmp_path: Path) -> None:
    assert make_room(tmp_path) == 0


def test_a_kernel_without_ipv6(tmp_path: Path) -> None:
    table(tmp_path, "ipv4", 128, 512, 1024)
    assert make_room(tmp_path) == 65536
