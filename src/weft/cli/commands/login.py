"""weft login"""

from __future__ import annotations

import sys

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.credentials import Credentials, server_of
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch, text
from weft.cli.flags.parser import Options
from weft.client.errors import EngineError

_UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{path}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
"""


def run(context: Context, options: Options) -> int:
    _check(options)
    server = server_of(options.arguments[0] if options.arguments else "")
    kept = Credentials(context.environment)
    username, password = options.text("username"), options.text("password")
    if options.on("password-stdin"):
        password = sys.stdin.read().rstrip("\r\n")
    known = kept.of(server)
    if not username and not password and known.get("username"):
        username, password = str(known["username"]), str(known.get("password", ""))
        context.print(f"Authenticating with existing credentials... [Username: {username}]\n\n")
        try:
            status = context.engine.system.login(username, password, server)
        except EngineError as error:
            context.complain(f"Login did not succeed, error: {error}")
        else:
            context.print(f"{status}\n")
            return 0
        username = password = ""
    username, password = _asked(context, username, password)
    status = context.engine.system.login(username, password, server)
    kept.store(server, username, password)
    if not kept.helper(server):
        context.complain(_UNENCRYPTED.format(path=kept.path))
    context.print(f"{status}\n")
    return 0


def _check(options: Options) -> None:
    if options.text("password"):
        sys.stderr.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")
        if options.on("password-stdin"):
            raise CommandFailed("--password and --password-stdin are mutually exclusive")
    if options.on("password-stdin") and not options.text("username"):
        raise CommandFailed("Must provide --username with --password-stdin")


def _asked(context: Context, username: str, password: str) -> tuple[str, str]:
    """Ask a terminal's user for what was not given."""
    if not (username and password) and not context.is_terminal(sys.stdin.fileno()):
        raise CommandFailed("Error: Cannot perform an interactive login from a non TTY device")
    if not username:
        context.print("Username: ")
        username = sys.stdin.readline().strip()
        if not username:
            raise CommandFailed("Error: Non-null Username Required")
    if not password:
        from getpass import getpass

        password = getpass("Password: ")
        if not password:
            raise CommandFailed("Error: Password Required")
    return username, password


COMMAND = Command(
    "[OPTIONS] [SERVER]",
    run,
    flags=(
        text("password", "Password or Personal Access Token (PAT)", short="p"),
        switch("password-stdin", "Take the Password or Personal Access Token (PAT) from stdin"),
        text("username", "Username", short="u"),
    ),
    most=1,
    long="Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
)
