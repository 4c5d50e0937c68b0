"""`--change` of an import or a commit."""

import pytest

from weft.model.errors import InvalidParameter
from weft.model.health import HealthCheck
from weft.model.image import ImageConfig
from weft.runtime.images.changes import apply_changes

SECOND = 1_000_000_000


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
            "ONBUILD RUN make",
            "ONBUILD   COPY a b",
            'HEALTHCHECK --interval=1m30s --retries=5 CMD ["ask", "it"]',
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
        on_build=("RUN make", "COPY a b"),
        health=HealthCheck(test=("CMD", "ask", "it"), interval=90 * SECOND, retries=5),
    )


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("ENV B=$A", "one"),
        ("ENV B=${A}x", "onex"),
        ('ENV B="$A y"', "one y"),
        ("ENV B='$A'", "$A"),
        (r"ENV B=\$A", "$A"),
        (r'ENV B="a\"\$b\c"', r'a"$b\c'),
        (r"ENV B=a\ b", "a b"),
        ("ENV B=$NONE.", "."),
        ("ENV B=${NONE:-a $A}", ""),
        ('ENV B="${NONE:-a $A}"', "a one"),
        ("ENV B=${A:+set}${NONE+none}${EMPTY-unset}${EMPTY:-empty}", "setempty"),
        ("ENV B $A  and 'more'", "one  and more"),
        ("ENV B=$", "$"),
    ],
)
def test_variables(change: str, value: str) -> None:
    if value == "":
        with pytest.raises(InvalidParameter):
            apply_changes(ImageConfig(env=("A=one", "EMPTY=")), [change])
        return
    config = apply_changes(ImageConfig(env=("A=one", "EMPTY=")), [change])
    assert config.env[-1] == f"B={value}"


def test_variables_everywhere_but_in_commands() -> None:
    changes = [
        "ENV P=80 D=/d",
        'EXPOSE "$P 81"',
        "WORKDIR $D",
        "USER $P",
        'VOLUME ["$D/v"]',
        "LABEL $P=$D",
        "CMD echo $P",
        "WORKDIR with space",
    ]
    config = apply_changes(ImageConfig(), changes)
    assert config.exposed_ports == ("80/tcp", "81/tcp")
    assert (config.working_dir, config.user, config.volumes) == ("/d/with space", "80", ("/d/v",))
    assert config.labels == {"80": "/d"}
    assert config.cmd == ("/bin/sh", "-c", "echo $P")


def test_an_entrypoint_takes_the_command_that_was_there() -> None:
    before = ImageConfig(cmd=("old",), shell=("/bin/bash", "-c"))
    assert apply_changes(before, ["ENTRYPOINT x"]) == ImageConfig(
        entrypoint=("/bin/bash", "-c", "x"), shell=("/bin/bash", "-c")
    )
    assert apply_changes(before, ["CMD new", "ENTRYPOINT x"]).cmd == ("/bin/bash", "-c", "new")


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("NONE", HealthCheck(test=("NONE",))),
        ("CMD curl -f x", HealthCheck(test=("CMD-SHELL", "curl -f x"))),
        ("--timeout=2s --start-period=1s --start-interval=500ms cmd [oops", HealthCheck(
            test=("CMD-SHELL", "[oops"), timeout=2 * SECOND, start_period=SECOND, start_interval=SECOND // 2
        )),
    ],
)  # fmt: skip
def test_health_checks(text: str, check: HealthCheck) -> None:
    assert apply_changes(ImageConfig(), [f"HEALTHCHECK {text}"]).health == check


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("RUN x", "run is not a valid change command"),
        ("CMD", "CMD requires at least one argument"),
        ("ENV A", "ENV must have two arguments"),
        ("ENV A=1 B", "can't find = in 'B'"),
        ("ENV A='1", "looking for matching single-quote"),
        ("ENV A=${B", "missing '}'"),
        ("ENV A=${B:?told}", "B: told"),
        ("USER a b", "USER requires exactly one argument"),
        ("EXPOSE 0", "invalid containerPort: 0"),
        ("EXPOSE 90-80", "invalid containerPort: 90-80"),
        ("EXPOSE 70000", "invalid containerPort: 70000"),
        ("EXPOSE 80/icmp", "invalid containerPort: 80/icmp"),
        ("STOPSIGNAL SIGNONE", "[Ii]nvalid signal: SIGNONE"),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("HEALTHCHECK RUN x", "unknown type 'RUN' in HEALTHCHECK"),
        ("HEALTHCHECK --interval=x CMD y", "invalid duration"),
        ("HEALTHCHECK --interval=1us CMD y", "cannot be less than 1ms"),
        ("HEALTHCHECK --oops=1 CMD y", "unknown flag: oops"),
        ("HEALTHCHECK --retries=-1 CMD y", "--retries must be at least"),
        ("HEALTHCHECK CMD", "missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK NONE x", "takes no arguments"),
    ],
)
def test_what_is_refused(change: str, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        apply_changes(ImageConfig(), [change])
