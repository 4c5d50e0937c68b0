"""The command weftd."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from weft.daemon.config.daemon_config import DaemonConfig
from weft.daemon.config.load import Notice, parse
from weft.daemon.daemon import Daemon
from weft.daemon.listeners import close_listeners, open_listeners
from weft.daemon.log import set_up
from weft.daemon.pidfile import PidFile
from weft.model.errors import InvalidParameter, WeftError

_FAILED, _WRONG_USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        config = _configuration(given)
        if isinstance(config, Notice):
            sys.stdout.write(config.text)
            return 0
        set_up(config.log_level, config.log_format, debug=config.debug)
        _serve(config, given)
    except WeftError as error:
        print(f"weftd: {error.message}", file=sys.stderr)
        return _WRONG_USAGE if isinstance(error, InvalidParameter) else _FAILED
    return 0


def _serve(config: DaemonConfig, arguments: Sequence[str]) -> None:
    pidfile = PidFile(config.pidfile)
    pidfile.take()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, arguments))
    finally:
        pidfile.release()


def _configuration(arguments: Sequence[str]) -> DaemonConfig | Notice:
    return parse(arguments, lambda path: Path(path).read_bytes())


async def _run(config: DaemonConfig, arguments: Sequence[str]) -> None:
    def reread() -> DaemonConfig:
        again = _configuration(arguments)
        if isinstance(again, Notice):
            raise InvalidParameter("the configuration cannot be read again")
        return again

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    daemon = Daemon(config, reread)
    listeners = open_listeners(config, os.environ)
    try:
        await daemon.start(listeners)
        loop.add_signal_handler(signal.SIGHUP, daemon.reload)
        await ended.wait()
        await daemon.stop()
    finally:
        close_listeners(listeners)


if __name__ == "__main__":
    sys.exit(main())
