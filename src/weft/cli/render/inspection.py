"""What every `inspect` does with what it finds and what it does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.render.document import compact, indented
from weft.model.errors import WeftError

TEMPLATE_STATUS = 64  # docker's exit status for a template that is wrong


def inspect(context: Context, names: Sequence[str], layout: str, fetch: Callable[[str], bytes]) -> int:
    """Print the documents that `fetch` finds, then the errors; return the exit status.

    `layout` is --format: "", json or a template. Raises CommandFailed (64) for a template that is wrong.
    """
    render = _template(layout)
    documents: list[bytes] = []
    errors: list[str] = []
    for name in names:
        try:
            documents.append(fetch(name))
        except WeftError as error:
            errors.append(context.error_text(error))
    if render is None:
        shown = (compact if layout == "json" else indented)(documents) if documents else "[]"
        context.print(shown + "\n")
    else:
        context.print(_rendered(render, documents, errors))
    for text in errors:
        context.complain(text)
    return 1 if errors else 0


def _rendered(render: Callable[[bytes], str], documents: Sequence[bytes], errors: list[str]) -> str:
    from weft.cli.template.errors import TemplateError

    lines = []
    for document in documents:
        try:
            lines.append(render(document) + "\n")
        except TemplateError as error:
            errors.append(f"template parsing error: {error}")
    return "".join(lines) or "\n"


def _template(layout: str) -> Callable[[bytes], str] | None:
    if layout in ("", "json"):
        return None
    from weft.cli.template.errors import TemplateError
    from weft.cli.template.template import Template
    from weft.cli.template.values import mark_free

    try:
        template = Template(layout)
    except TemplateError as error:
        raise CommandFailed(f"template parsing error: {error}", TEMPLATE_STATUS) from error
    return lambda document: template.execute(mark_free(json.loads(document)))
