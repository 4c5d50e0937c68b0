"""Lists of objects: docker's table, `--format` in all its forms, `-q`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from weft.cli.errors import CommandFailed
from weft.cli.render.columns import align
from weft.cli.template.values import Record

Cell = Callable[[], object]


class Row(Record):
    """One object of a list; subclasses name their columns as methods in COLUMNS order."""

    HEADERS: Mapping[str, str] = {}

    def cells(self) -> Mapping[str, Cell]:
        """Return the columns by name, each computed when called."""
        raise NotImplementedError

    def labels(self) -> Mapping[str, str]:
        return {}

    def column(self, name: str) -> object:
        return self.cells()[name]()

    def columns(self) -> dict[str, object]:
        return {name: cell() for name, cell in self.cells().items()}

    def method(self, name: str) -> Callable[[str], object] | None:
        return (lambda key: self.labels().get(key, "")) if name == "Label" else None


class Header(Record):
    """The titles of a table, in place of a row."""

    kind = "header"

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    def column(self, name: str) -> object:
        return self._titles.get(name, "<no value>")

    def columns(self) -> Mapping[str, object]:
        return self._titles

    def method(self, name: str) -> Callable[[str], object] | None:
        if name != "Label":
            return None
        return lambda label: label.rpartition(".")[2].replace("-", " ").replace("_", " ")


def listing(
    rows: Sequence[Row],
    titles: Mapping[str, str],
    default: Sequence[str],
    *,
    layout: str = "",
    quiet: str = "",
) -> str:
    """Return the list's text. `layout` is --format; `quiet` names the only column of -q, "" without -q.

    Raises CommandFailed for a template that is wrong.
    """
    if layout in ("", "table"):
        if quiet:
            return "".join(f"{row.column(quiet)}\n" for row in rows)
        lines = [[titles[name] for name in default], *([_text(row.column(name)) for name in default] for row in rows)]
        return align("".join("\t".join(line) + "\n" for line in lines))
    return _templated(rows, titles, layout)


def _templated(rows: Sequence[Row], titles: Mapping[str, str], layout: str) -> str:
    from weft.cli.template.errors import TemplateError
    from weft.cli.template.functions import HEADER_FUNCTIONS
    from weft.cli.template.template import Template

    is_table = layout.startswith("table")
    source = "{{json .}}" if layout == "json" else layout.removeprefix("table").strip(" ")
    try:
        template = Template(source.replace("\\t", "\t").replace("\\n", "\n"))
        lines = [template.execute(row) + "\n" for row in rows]
    except TemplateError as error:
        raise CommandFailed(f"template parsing error: {error}") from error
    if not is_table:
        return "".join(lines)
    try:
        header = template.execute(Header(titles), HEADER_FUNCTIONS)
    except TemplateError:
        header = ""  # docker prints an empty line where a template only fits rows
    return align(f"{header}\n" + "".join(lines))


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def joined_labels(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels))
