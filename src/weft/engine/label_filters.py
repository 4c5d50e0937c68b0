"""Label filters: `key` or `key=value`."""

from collections.abc import Iterable, Mapping


def labels_match(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether all of `wanted` hold."""
    return all(_holds(labels, expression) for expression in wanted)


def labels_excluded(labels: Mapping[str, str], unwanted: Iterable[str]) -> bool:
    """Whether any of `unwanted` holds (the filter `label!`)."""
    return any(_holds(labels, expression) for expression in unwanted)


def _holds(labels: Mapping[str, str], expression: str) -> bool:
    key, equals, value = expression.partition("=")
    return key in labels and (not equals or labels[key] == value)
