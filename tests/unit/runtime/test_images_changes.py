"""`--change` of an import."""

import pytest

from weft.model.errors import InvalidParameter, Unimplemented, WeftError
from weft.model.image import ImageConfig
from weft.runtime.images.changes import apply_changes


def test_every_instruction() -> None:
    config = apply_changes(
        ImageConfig(env=("A=0",)),
        [
            'CMD ["a", "b c"]',
            "entrypoint exec $0",
            'ENV A=1 B="x y"',
            "ENV C d e",
            "EXPOSE 80 53/udp 90-91",
            "WORKDIR /a",
            "WORKDIR b/../c",
            "USER 1:2",
            'VOLUME ["/v 1"]',
            "VOLUME /w /x",
            'LABEL k=v "l m"=n',
            "STOPSIGNAL SIGINT",
        ],
    )
    assert config == ImageConfig(
        cmd=("a", "b c"),
        entrypoint=("/bin/sh", "-c", "exec $0"),
        env=("A=1", "B=x y", "C=d e"),
        exposed_ports=("80/tcp", "53/udp", "90/tcp", "91/tcp"),
        working_dir="/a/c",
        user="1:2",
        volumes=("/v 1", "/w", "/x"),
        labels={"k": "v", "l m": "n"},
        stop_signal="SIGINT",
    )


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ("ONBUILD RUN x", Unimplemented, "ONBUILD is not supported"),
        ("HEALTHCHECK NONE", Unimplemented, "HEALTHCHECK is not supported"),
        ("RUN x", InvalidParameter, "run is not a valid change command"),
        ("", InvalidParameter, "is not a valid change command"),
        ("CMD", InvalidParameter, "CMD requires at least one argument"),
        ("ENV A", InvalidParameter, "ENV must have two arguments"),
        ("ENV A=1 B", InvalidParameter, "can't find = in 'B'"),
        ("ENV A='1", InvalidParameter, "No closing quotation"),
        ("EXPOSE 0", InvalidParameter, "invalid containerPort: 0"),
        ("EXPOSE 90-80", InvalidParameter, "invalid containerPort: 90-80"),
        ("EXPOSE 70000", InvalidParameter, "invalid containerPort: 70000"),
        ("EXPOSE 80/icmp", InvalidParameter, "invalid containerPort: 80/icmp"),
    ],
)
def test_what_is_refused(change: str, kind: type[WeftError], words: str) -> None:
    with pytest.raises(kind, match=words):
        apply_changes(ImageConfig(), [change])
