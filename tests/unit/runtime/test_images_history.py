"""History lines and the times in them."""

import pytest

from weft.model.image import ImageHistory, ImageRecord
from weft.runtime.images.history import image_history, nanoseconds, seconds


def test_lines_carry_the_sizes_of_their_layers() -> None:
    history = (
        ImageHistory(created="1970-01-01T00:00:01Z", created_by="ADD"),
        ImageHistory(created="1970-01-01T00:00:02Z", created_by="CMD", empty_layer=True),
        ImageHistory(created="1970-01-01T00:00:03Z", created_by="RUN", comment="c"),
    )
    record = ImageRecord(
        id="sha256:x", created="", architecture="amd64", layers=("a", "b"), layer_sizes=(10, 20), history=history,
        tags=("t:1",),
    )  # fmt: skip
    assert image_history(record) == (
        {"Id": "sha256:x", "Created": 3, "CreatedBy": "RUN", "Tags": ["t:1"], "Size": 20, "Comment": "c"},
        {"Id": "<missing>", "Created": 2, "CreatedBy": "CMD", "Tags": None, "Size": 0, "Comment": ""},
        {"Id": "<missing>", "Created": 1, "CreatedBy": "ADD", "Tags": None, "Size": 10, "Comment": ""},
    )


def test_layers_without_history_are_still_listed() -> None:
    record = ImageRecord(id="sha256:x", created="", architecture="amd64", layers=("a",), layer_sizes=(10,))
    assert [line["Size"] for line in image_history(record)] == [10]


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("1970-01-01T00:00:01.123456789Z", 1_123_456_000),
        ("1970-01-01T01:00:01+01:00", 1_000_000_000),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("0001-01-01T00:00:00Z", 0),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_times(text: str, nano: int) -> None:
    assert nanoseconds(text) == nano
    assert seconds(text) == nano // 1_000_000_000
