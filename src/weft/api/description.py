"""The API's description of itself, made of what its routes declare (OpenAPI 3.1.0)."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from inspect import getdoc
from typing import Any

import msgspec

import weft
from weft.api.declaration import Body, Kind, Media, Parameter, Shape
from weft.api.errors import status_of
from weft.api.routing import Route
from weft.api.version import MAXIMUM
from weft.api.wire.outcomes import ErrorAnswer
from weft.model.errors import InvalidParameter, SystemFailure, WeftError

_Json = dict[str, Any]
_EVERYWHERE = (InvalidParameter, SystemFailure)
_REFERENCE = "#/components/schemas/{name}"
_JSON_TYPE = "application/json"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_HEADING = re.compile(r"^[A-Z ]+(and [A-Z]+ )?/\S+?(?:[:;] |\.$|$)")  # `GET /path: ` before what a docstring says
_SCHEMAS: Mapping[Kind, _Json] = {
    Kind.TEXT: {"type": "string"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.FLAG: {"type": "boolean", "default": False},
    Kind.NUMBER: {"type": "integer", "format": "int64"},
    Kind.TIME: {"type": "string", "pattern": r"^(-?[0-9]{1,11}(\.[0-9]{1,9})?)?$"},
    Kind.HEADER: {"type": "string"},
}
_FILTERS: _Json = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "boolean"}},
        ]
    },
}


def describe(routes: Iterable[Route]) -> _Json:
    """Return the OpenAPI document of these routes."""
    routes = tuple(routes)
    schemas = _Schemas(routes)
    paths: _Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Weft Engine API",
            "version": str(MAXIMUM),
            "description": f"The Engine API as Weft {weft.__version__} speaks it.",
        },
        "servers": [{"url": f"/v{MAXIMUM}"}, {"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas.components},
    }


class _Schemas:
    """The JSON schemas of all shapes; structs are components, referred to by name."""

    def __init__(self, routes: Iterable[Route]) -> None:
        shapes = dict.fromkeys((ErrorAnswer, *(shape for route in routes for shape in _shapes(route))))
        schemas, self.components = msgspec.json.schema_components(
            shapes, schema_hook=_anything, ref_template=_REFERENCE
        )
        self._schemas: dict[Shape, _Json] = dict(zip(shapes, schemas, strict=True))

    def of(self, shape: Shape) -> _Json:
        """Return the schema of one of the shapes."""
        return self._schemas[shape]


def _anything(type_: type) -> _Json:
    if type_ is not object:
        raise NotImplementedError
    return {"description": "any value"}


def _shapes(route: Route) -> Iterable[Shape]:
    if isinstance(route.takes.body, msgspec.json.Decoder):
        yield route.takes.body.type
    for shape in route.gives.answers.values():
        if isinstance(shape, Media):
            if shape.item is not None:
                yield shape.item
        elif shape is not None:
            yield shape


def _operation(route: Route, schemas: _Schemas) -> _Json:
    operation: _Json = {
        "operationId": route.method.lower() + re.sub(r"\W+", "_", route.path),
        "tags": [re.findall(r"\w+", route.path)[0]],
        "responses": _responses(route, schemas),
    }
    if summary := _summary(route):
        operation["summary"] = summary
    if parameters := [*_path_parameters(route.path), *map(_parameter, route.takes.parameters.values())]:
        operation["parameters"] = parameters
    if route.takes.body is not None:
        operation["requestBody"] = {
            "required": route.takes.body_required,
            "content": _request_content(route.takes.body, schemas),
        }
    return operation


def _summary(route: Route) -> str:
    text = _HEADING.sub("", getdoc(route.handler) or "").strip()
    return text[:1].upper() + text[1:]


def _path_parameters(path: str) -> list[_Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PLACEHOLDER.findall(path)
    ]


def _parameter(parameter: Parameter) -> _Json:
    described: _Json = {
        "name": parameter.name,
        "in": "header" if parameter.kind is Kind.HEADER else "query",
        "required": parameter.required,
    }
    if parameter.kind is Kind.FILTERS:
        return described | {"content": {_JSON_TYPE: {"schema": _FILTERS}}}
    schema = dict(_SCHEMAS[parameter.kind])
    if parameter.values:
        listed = {"type": "string", "enum": list(parameter.values)}
        schema = {"type": "array", "items": listed} if parameter.kind is Kind.TEXTS else listed
    return described | {"schema": schema}


def _request_content(body: Body, schemas: _Schemas) -> _Json:
    if isinstance(body, Media):
        return {body.content_type: {"schema": {"type": "string", "format": "binary"}}}
    assert body is not None  # noqa: S101 - the caller asked
    return {_JSON_TYPE: {"schema": schemas.of(body.type)}}


def _responses(route: Route, schemas: _Schemas) -> _Json:
    responses: _Json = {}
    for status, shape in route.gives.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase} | _answer_content(shape, schemas)
    errors: tuple[type[WeftError], ...] = (*_EVERYWHERE, *route.gives.errors)
    for kind in errors:
        status = status_of(kind(""))
        failed: _Json = {"description": HTTPStatus(status).phrase}
        if status != HTTPStatus.NOT_MODIFIED:
            failed["content"] = {_JSON_TYPE: {"schema": schemas.of(ErrorAnswer)}}
        responses.setdefault(str(status), failed)
    return dict(sorted(responses.items()))


def _answer_content(shape: Shape, schemas: _Schemas) -> _Json:
    if shape is None:
        return {}
    if not isinstance(shape, Media):
        return {"content": {_JSON_TYPE: {"schema": schemas.of(shape)}}}
    if shape.item is None:
        return {"content": {name: {} for name in (shape.content_type, *shape.others)}}
    # JSON, one piece a line: OpenAPI 3.1 has no word for it (3.2 has itemSchema)
    return {"content": {shape.content_type: {"x-item-schema": schemas.of(shape.item)}}}
