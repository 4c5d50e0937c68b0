"""What is wrong with a template, worded as Go's text/template does."""


class TemplateError(Exception):
    """A template that cannot be parsed or executed; `str()` starts with `template: :line:`."""


def parse_error(source: str, position: int, reason: str) -> TemplateError:
    """Return the error for something wrong at `position` of the source."""
    return TemplateError(f"template: :{source.count(chr(10), 0, position) + 1}: {reason}")


def execution_error(source: str, position: int, context: str, reason: str) -> TemplateError:
    """Return the error for a node at `position`, printed as `context`, that could not be evaluated."""
    line = source.count("\n", 0, position) + 1
    column = len(source[source.rfind("\n", 0, position) + 1 : position].encode())
    return TemplateError(f'template: :{line}:{column}: executing "" at <{context}>: {reason}')
