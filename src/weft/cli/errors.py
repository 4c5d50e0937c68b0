"""How a command ends other than well."""


class CommandFailed(Exception):
    """Print `message` (unless "") to standard error and exit with `status`."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class UsageError(Exception):
    """The command line is wrong: `message` is printed with the usage line, then exit with `status`.

    `see` words the closing hint as `See '… --help'` where docker does so, else `Run '… --help'`.
    """

    def __init__(self, message: str, *, status: int, see: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.see = see


class HelpRequested(Exception):
    """The user asked for help; `deprecated` names -h, which docker calls a deprecated form."""

    def __init__(self, *, deprecated: bool = False) -> None:
        super().__init__()
        self.deprecated = deprecated
