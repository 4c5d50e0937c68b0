"""weft logout"""

from __future__ import annotations

from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.credentials import Credentials, server_of
from weft.cli.flags.parser import Options


def run(context: Context, options: Options) -> int:
    server = server_of(options.arguments[0] if options.arguments else "")
    if Credentials(context.environment).erase(server):
        context.print(f"Removing login credentials for {server}\n")
    else:
        context.print(f"Not logged in to {server}\n")
    return 0


COMMAND = Command(
    "[SERVER]", run, most=1, long="Log out from a registry.\nIf no server is specified, the default is Docker Hub."
)
