"""Docker's reference grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.model.errors import InvalidParameter
from weft.runtime.images.reference import Reference, parse

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "whole", "familiar"),
    [
        ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
        ("docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
        ("grafana/grafana", "docker.io/grafana/grafana:latest", "grafana/grafana:latest"),
        ("docker.io/library/a/b:1", "docker.io/library/a/b:1", "library/a/b:1"),
        ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
        ("localhost:5000/x:y", "localhost:5000/x:y", "localhost:5000/x:y"),
        (
            "127.0.0.1:5000/library/alpine",
            "127.0.0.1:5000/library/alpine:latest",
            "127.0.0.1:5000/library/alpine:latest",
        ),
        ("[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"),
        ("Upper/x", "Upper/x:latest", "Upper/x:latest"),
        ("quay.io/a/b__c.d-e--f", "quay.io/a/b__c.d-e--f:latest", "quay.io/a/b__c.d-e--f:latest"),
        (f"alpine@sha256:{HEX}", f"docker.io/library/alpine@sha256:{HEX}", f"alpine@sha256:{HEX}"),
        (f"a.b/c:t@sha256:{HEX}", f"a.b/c:t@sha256:{HEX}", f"a.b/c:t@sha256:{HEX}"),
        ("a:5000", "docker.io/library/a:5000", "a:5000"),
    ],
)
def test_names_are_normalised_and_shown_familiar(text: str, whole: str, familiar: str) -> None:
    reference = parse(text).with_default_tag()
    assert str(reference) == whole
    assert reference.familiar == familiar
    assert parse(reference.familiar) == reference


@pytest.mark.parametrize(
    "text",
    ["", ":", "a:", "a:b:c", "a//b", "/a", "a/", "-a", "a_", "a___b", "a b", "a\n", "a:-t", "a:" + "t" * 129,
     "a@sha256:12", "a@md5:" + "0" * 32, "a.b:port/c", "a.b/", "a/../b", "alpine:latest\n", "é", "a@", "-x.y/a", "a:٣"],
)  # fmt: skip
def test_what_is_no_reference_is_refused_in_dockers_words(text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse(text)
    assert refused.value.message == "invalid reference format"


def test_upper_case_names_are_refused_by_name() -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse("Alpine:3")
    message = "invalid reference format: repository name (library/Alpine) must be lowercase"
    assert refused.value.message == message


def test_ids_and_overlong_names_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="cannot specify 64-byte hexadecimal strings"):
        parse(HEX)
    with pytest.raises(InvalidParameter, match="must not be more than 255 characters"):
        parse("a/" + "b" * 250)


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_an_error_a_user_can_read(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidParameter:
        return
    assert parse(str(reference)) == reference
    assert parse(reference.familiar) == reference


def test_tags_are_checked_on_their_own() -> None:
    assert parse("alpine:1").tagged("2") == Reference("docker.io", "library/alpine", "2")
    with pytest.raises(InvalidParameter, match="invalid tag format"):
        parse("alpine").tagged("a/b")
