"""What log options put beside every line."""

import pytest

from weft.engine.containers.log_attributes import attribute_text, check_tag, log_attributes
from weft.model.container import ContainerRecord, ContainerSpec, LogConfig, ProcessSpec
from weft.model.errors import InvalidParameter, Unimplemented


def attributes(**options: str) -> dict[str, str]:
    spec = ContainerSpec(
        image="busybox:1",
        process=ProcessSpec(cmd=("top", "-b"), env=("A=1", "B=x=y", "AB=2")),
        labels={"team": "blue", "com.example.a": "b c"},
        log=LogConfig(options={name.replace("_", "-"): value for name, value in options.items()}),
    )
    record = ContainerRecord(id="ab" * 32, name="web", created=0, image_id="sha256:" + "cd" * 32, spec=spec)
    return log_attributes(record)


def test_labels_and_environment() -> None:
    assert attributes() == {}
    assert attributes(labels="team,absent", env="B") == {"team": "blue", "B": "x=y"}
    assert attributes(labels_regex="^com[.]", env_regex="^A") == {"com.example.a": "b c", "A": "1", "AB": "2"}


def test_tags() -> None:
    tag = "{{.Name}}/{{ .ID }} of {{.ImageName}} by {{.DaemonName}}: {{.Command}}"
    assert attributes(tag=tag) == {"tag": "web/abababababab of busybox:1 by docker: top -b"}
    check_tag(tag)
    with pytest.raises(InvalidParameter, match="Nonsense"):
        check_tag("{{.Nonsense}}")
    with pytest.raises(Unimplemented, match="fields as"):
        check_tag("{{if .Name}}x{{end}}")


def test_the_text_is_sorted_and_escaped() -> None:
    assert attribute_text({"b": "x y", "a": "ä=,"}) == "a=%C3%A4%3D%2C,b=x+y"
    assert attribute_text({}) == ""
