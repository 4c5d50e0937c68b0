"""What the log options labels, env and tag put beside the lines of a log (`docker logs --details`); pure."""

import re
from collections.abc import Mapping
from urllib.parse import quote_plus

from weft.model.container import ContainerRecord
from weft.model.errors import InvalidParameter, Unimplemented
from weft.model.ids import short_id

_FIELD = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")
_FIELDS = ("ID", "FullID", "Name", "ImageID", "ImageFullID", "ImageName", "DaemonName", "Command")
_DAEMON = "docker"  # what tags are written for


def check_tag(template: str) -> None:
    """Raise Unimplemented for what of a tag's template is more than fields, InvalidParameter for an unknown field."""
    for field in _FIELD.findall(template):
        if field not in _FIELDS:
            raise InvalidParameter(f"invalid log tag: {{{{.{field}}}}}: there are {', '.join(_FIELDS)}")
    rest = _FIELD.sub("", template)
    if "{{" in rest or "}}" in rest:
        raise Unimplemented(f"log opt 'tag={template}' is not supported: a tag has fields as {{{{.Name}}}} and text")


def log_attributes(record: ContainerRecord) -> dict[str, str]:
    """Return the attributes that the container's log options ask for."""
    options = record.spec.log.options
    env = dict(entry.split("=", 1) for entry in record.spec.process.env if "=" in entry)
    found = {
        **_chosen(record.spec.labels, options.get("labels", ""), options.get("labels-regex", "")),
        **_chosen(env, options.get("env", ""), options.get("env-regex", "")),
    }
    if tag := _FIELD.sub(lambda match: _fields(record)[match[1]], options.get("tag", "")):
        found["tag"] = tag
    return found


def attribute_text(attributes: Mapping[str, str]) -> str:
    """Return attributes as a line of `docker logs --details` begins with them: sorted, escaped as in a URL."""
    return ",".join(sorted(f"{quote_plus(key)}={quote_plus(value)}" for key, value in attributes.items()))


def _chosen(values: Mapping[str, str], names: str, pattern: str) -> dict[str, str]:
    wanted = set(filter(None, names.split(",")))
    matches = re.compile(pattern) if pattern else None
    return {key: value for key, value in values.items() if key in wanted or (matches and matches.search(key))}


def _fields(record: ContainerRecord) -> Mapping[str, str]:
    return {
        "ID": short_id(record.id),
        "FullID": record.id,
        "Name": record.name,
        "ImageID": short_id(record.image_id.removeprefix("sha256:")),
        "ImageFullID": record.image_id,
        "ImageName": record.spec.image,
        "DaemonName": _DAEMON,
        "Command": " ".join(record.spec.process.argv),
    }
