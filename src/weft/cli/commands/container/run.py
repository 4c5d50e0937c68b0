"""weft run"""

from __future__ import annotations

from weft.cli.command import ANY, Command
from weft.cli.commands.container.creation.create import check_pull, create
from weft.cli.commands.container.creation.flags import creation_flags
from weft.cli.commands.container.creation.request import build
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import switch, text
from weft.cli.flags.parser import Options
from weft.client.connection import Response
from weft.client.errors import EngineError
from weft.client.session import Json
from weft.model.errors import InvalidParameter

FAILED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127  # exit statuses, as a shell would use the last two
HINT = "\n\nRun 'weft run --help' for more information"


def run(context: Context, options: Options) -> int:
    try:
        check_pull(options)
        document = build(options, context.environment.get, context.engine.session.version)
    except InvalidParameter as error:
        raise CommandFailed(f"weft: {error}{HINT}", FAILED) from error
    detached = options.on("detach")
    if detached:
        if options.texts("attach"):
            raise CommandFailed("conflicting options: cannot specify both --attach and --detach")
        for key in ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
            document.pop(key, None)
    else:
        from weft.cli.terminal.attachment import require_terminal

        require_terminal(context, stdin=bool(document.get("AttachStdin")), tty=options.on("tty"))
    try:
        identifier = create(context, options, document)
    except (EngineError, InvalidParameter) as error:
        raise _failure(error) from error
    if any(document.get(key) for key in ("AttachStdin", "AttachStdout", "AttachStderr")):
        return _attached(context, options, document, identifier)
    _start(context, identifier)
    context.print(f"{identifier}\n")
    return 0


def _attached(context: Context, options: Options, document: Json, identifier: str) -> int:
    from weft.cli.terminal.attachment import Attachment

    containers = context.engine.containers
    keys = options.text("detach-keys")
    streams = {name: bool(document.get(f"Attach{name.capitalize()}")) for name in ("stdin", "stdout", "stderr")}
    attachment = Attachment(
        tty=options.on("tty"),
        keys=keys,
        forward=(lambda name: containers.kill(identifier, signal=name)) if options.on("sig-proxy") else None,
        resize=lambda rows, columns: containers.resize(identifier, rows=rows, columns=columns),
        **streams,
    )
    waiters: list[Response] = []

    def wait() -> Response:
        waiters.append(containers.wait(identifier, condition="removed" if options.on("rm") else "next-exit"))
        return waiters[0]

    def start() -> None:
        try:
            _start(context, identifier)
        except CommandFailed:
            if options.on("rm"):
                waiters[0].read()  # until the daemon has removed it
            raise

    status = attachment.carry(
        lambda: containers.attach(identifier, detach_keys=keys, **streams), wait=wait, start=start
    )
    return status or 0


def _start(context: Context, identifier: str) -> None:
    try:
        context.engine.containers.start(identifier)
    except EngineError as error:
        raise _failure(error) from error


def _failure(error: EngineError | InvalidParameter) -> CommandFailed:
    """Return how `run` ends: 127 for a program that is not there, 126 for one that cannot be run, 125 otherwise."""
    text = Context.error_text(error)
    status = FAILED
    if "executable file not found" in text or "no such file or directory" in text:
        status = NOT_FOUND
    elif "permission denied" in text or "is a directory" in text:
        status = NOT_EXECUTABLE
    return CommandFailed(f"weft: {text}{HINT}", status)


COMMAND = Command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    run,
    flags=(
        *creation_flags("running"),
        switch("detach", "Run container in background and print container ID", short="d"),
        switch("sig-proxy", "Proxy received signals to the process", default=True),
        text("detach-keys", "Override the key sequence for detaching a container"),
    ),
    least=1,
    most=ANY,
    interspersed=False,
    completes=("images", ""),
)
