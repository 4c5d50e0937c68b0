"""The `weft` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from weft.cli import catalog
from weft.cli.command import Command
from weft.cli.context import Context
from weft.cli.errors import CommandFailed, HelpRequested, UsageError
from weft.cli.flags.flag import many, switch, text
from weft.cli.flags.parser import FLAG_ERROR, Options, parse
from weft.client.endpoint import TlsFiles
from weft.model.errors import WeftError

INTERRUPTED = 130  # what a shell reports for SIGINT
_LEVELS = ("debug", "info", "warn", "warning", "error", "fatal")
GLOBAL_FLAGS = (
    text("config", 'Location of client config files (default "~/.docker")', complete="files"),
    text("context", 'Name of the context to use to connect to the daemon: there is "default" alone', short="c"),
    switch("debug", "Show each request to the daemon", short="D"),
    many("host", "Daemon socket to connect to", short="H"),
    text("log-level", 'Set the logging level ("debug", "info", "warn", "error", "fatal")', short="l", default="info"),
    switch("tls", "Use TLS; implied by --tlsverify"),
    text("tlscacert", "Trust certs signed only by this CA", complete="files"),
    text("tlscert", "Path to TLS certificate file", complete="files"),
    text("tlskey", "Path to TLS key file", complete="files"),
    switch("tlsverify", "Use TLS and verify the remote"),
    switch("version", "Print version information and quit", short="v"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words, os.environ)
    except CommandFailed as error:
        _complain(error.message)
        return error.status
    except WeftError as error:
        _complain(Context.error_text(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return 1  # whoever read the output has enough of it


def _run(words: list[str], environment: Mapping[str, str]) -> int:
    try:
        options = parse(GLOBAL_FLAGS, words, interspersed=False)
    except HelpRequested as request:
        return _print_help(None, request)
    except UsageError as error:
        return _usage_error(error, "weft [OPTIONS] COMMAND [ARG...]", "weft")
    if options.on("version"):
        from weft import __version__

        _print(f"Weft version {__version__}\n")
        return 0
    found = catalog.find(options.arguments)
    if found is None:
        return _unknown(options.arguments)
    context = _context(options, environment)
    try:
        return _run_command(context, found, options.arguments)
    finally:
        context.close()


def _run_command(context: Context, found: catalog.Found, words: list[str]) -> int:
    path, group, name = found
    command = load(group, name)
    try:
        options = parse(command.flags, words[2 if " " in path else 1 :], interspersed=command.interspersed)
        for warning in options.warnings:
            _complain(warning)
        command.check_arguments(f"weft {path}", len(options.arguments))
    except HelpRequested as request:
        return _print_help(found, request)
    except UsageError as error:
        from weft.cli.help import usage_line

        return _usage_error(error, usage_line(path, command), f"weft {path}")
    return command.run(context, options)


def load(group: str, name: str) -> Command:
    """Return the command, importing its module."""
    command: Command = import_module(catalog.module_name(group, name)).COMMAND
    return command


def _context(options: Options, environment: Mapping[str, str]) -> Context:
    hosts = options.texts("host")
    if len(hosts) > 1:
        raise CommandFailed("Specify only one -H")
    if name := options.text("context"):
        if hosts:
            raise CommandFailed("conflicting options: cannot specify both --host and --context")
        if name != "default":
            raise CommandFailed(f'context "{name}": context not found: Weft keeps no contexts, use -H or WEFT_HOST')
    level = options.text("log-level").lower()
    if level not in _LEVELS:
        raise CommandFailed(f"Unable to parse logging level: {level}")
    if directory := options.text("config"):
        environment = {**environment, "DOCKER_CONFIG": directory}
    debug = options.on("debug") or level == "debug"
    return Context(environment, hosts[0] if hosts else "", _tls(options, environment), debug=debug)


def _tls(options: Options, environment: Mapping[str, str]) -> TlsFiles | None:
    verify = options.on("tlsverify") or bool(environment.get("DOCKER_TLS_VERIFY"))
    if not (verify or options.on("tls")):
        return None
    own = os.path.join(environment.get("HOME", "/"), ".docker")
    directory = environment.get("DOCKER_CERT_PATH") or environment.get("DOCKER_CONFIG") or own
    paths = {}
    for flag, file in (("tlscacert", "ca.pem"), ("tlscert", "cert.pem"), ("tlskey", "key.pem")):
        default = os.path.join(directory, file)
        paths[flag] = options.text(flag) or (default if os.path.exists(default) else "")
    return TlsFiles(authority=paths["tlscacert"], certificate=paths["tlscert"], key=paths["tlskey"], verify=verify)


def _print_help(found: catalog.Found | None, request: HelpRequested) -> int:
    from weft.cli import help

    if request.deprecated:
        _complain("Flag shorthand -h has been deprecated, use --help")
    _print(help.top_level(GLOBAL_FLAGS) if found is None else help.command(found, load(*found[1:])))
    return 0


def _unknown(words: list[str]) -> int:
    from weft.cli import help

    if not words:
        sys.stderr.write(help.top_level(GLOBAL_FLAGS))
        return 0
    first = words[0]
    if first in catalog.GROUPS:
        return _unknown_in_group(first, words[1:])
    if first == "help":
        return _run([*words[1:], "--help"], os.environ)
    if first == "__complete":
        from weft.cli.completing import complete

        return complete(words[1:], os.environ)
    if first in catalog.ELSEWHERE:
        raise CommandFailed(f"weft: '{first}' is not supported by Weft: {catalog.ELSEWHERE[first]}")
    raise CommandFailed(f"weft: unknown command: weft {first}\n\nRun 'weft --help' for more information")


def _unknown_in_group(group: str, words: list[str]) -> int:
    from weft.cli import help

    if not words:
        sys.stderr.write(help.group(group))
        return 0
    if words[0] in ("--help", "-h"):
        _print(help.group(group))
        return 0
    if words[0].startswith("-"):
        flag = words[0].split("=")[0]
        error = UsageError(f"unknown flag: {flag}", status=FLAG_ERROR)
    else:
        error = UsageError(f"weft: unknown command: weft {group} {words[0]}", status=1)
    return _usage_error(error, f"weft {group}", f"weft {group}")


def _usage_error(error: UsageError, usage: str, path: str) -> int:
    hint = f"{'See' if error.see else 'Run'} '{path} --help' for more information"
    _complain(f"{error.message}\n\nUsage:  {usage}\n\n{hint}")
    return error.status


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(message: str) -> None:
    if message:
        sys.stderr.write(message + "\n")
