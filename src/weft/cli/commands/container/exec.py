"""weft exec"""

from __future__ import annotations

import sys

from weft.cli.command import ANY, Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed
from weft.cli.flags.flag import many, switch, text
from weft.cli.flags.pairs import parse_env, read_files
from weft.cli.flags.parser import Options
from weft.cli.render.fields import number
from weft.client.session import Json


def run(context: Context, options: Options) -> int:
    name = options.arguments[0]
    tty, detached = options.on("tty"), options.on("detach")
    document = _document(context, options)
    context.engine.containers.inspect(name)  # so that a missing container is reported before a missing terminal
    if not detached:
        from weft.cli.terminal.attachment import require_terminal

        require_terminal(context, stdin=options.on("interactive"), tty=tty)
    console = _console_size() if tty else None
    if console is not None:
        document["ConsoleSize"] = list(console)
    execs = context.engine.execs
    exec_id = execs.create(name, document)
    if detached:
        execs.start(exec_id, tty=tty, console_size=console)
        return 0
    return _attached(context, options, exec_id, console)


def _document(context: Context, options: Options) -> Json:
    attached = not options.on("detach")
    return {
        "User": options.text("user"),
        "Privileged": options.on("privileged"),
        "Tty": options.on("tty"),
        "AttachStdin": attached and options.on("interactive"),
        "AttachStdout": attached,
        "AttachStderr": attached,
        "DetachKeys": options.text("detach-keys"),
        "Env": read_files(options.texts("env-file"), context.environment.get) + options.texts("env"),
        "WorkingDir": options.text("workdir"),
        "Cmd": options.arguments[1:],
    }


def _attached(context: Context, options: Options, exec_id: str, console: tuple[int, int] | None) -> int:
    from weft.cli.terminal.attachment import Attachment

    execs = context.engine.execs
    tty = options.on("tty")
    attachment = Attachment(
        tty=tty,
        stdin=options.on("interactive"),
        keys=options.text("detach-keys"),
        resize=lambda rows, columns: execs.resize(exec_id, rows=rows, columns=columns),
    )
    status = attachment.carry(lambda: execs.attach(exec_id, tty=tty, console_size=console), start=lambda: None)
    if status is None:
        raise CommandFailed("read escape sequence")
    return number(execs.inspect(exec_id), "ExitCode")


def _console_size() -> tuple[int, int] | None:
    from weft.cli.terminal.screen import size

    rows, columns = size(sys.stdout.fileno())
    return (rows, columns) if rows and columns else None


COMMAND = Command(
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    run,
    flags=(
        text("detach-keys", "Override the key sequence for detaching a container"),
        switch("interactive", "Keep STDIN open even if not attached", short="i"),
        switch("tty", "Allocate a pseudo-TTY", short="t"),
        switch("detach", "Detached mode: run command in the background", short="d"),
        text("user", 'Username or UID (format: "<name|uid>[:<group|gid>]")', short="u"),
        switch("privileged", "Give extended privileges to the command"),
        many("env", "Set environment variables", short="e", parse=parse_env),
        many("env-file", "Read in a file of environment variables", complete="files"),
        text("workdir", "Working directory inside the container", short="w"),
    ),
    least=2,
    most=ANY,
    interspersed=False,
    completes=("containers", ""),
)
