"""What udhcpc runs when something happens to a lease: a small file, installed where programs may be executed.

It works in the sandbox's network namespace, with the daemon running or not: it puts a new address on the interface
before it takes the old one away, lets a default route through the interface follow the gateway, writes the lease down,
and rings at the daemon's FIFO. Which interface has the default route is for the daemon alone to decide.
"""

import os
from pathlib import Path

from weft.model.errors import SystemFailure

# A server's words reach a shell here: every expansion is quoted, and what is written is a line a value.
_TEXT = r"""#!@busybox@ sh
# Run by udhcpc for Weft: $1 is what happened, the environment holds the lease.
# WEFT_LEASE is the file it is written to, WEFT_BELL a FIFO.
umask 077
set -f
busybox='@busybox@'

default_route() {
    "$busybox" ip -4 route show dev "$interface" | "$busybox" grep -q '^default '
}

addresses() {
    "$busybox" ip -o -4 addr show dev "$interface" | while read -r _ _ _ address _; do echo "$address"; done
}

line() {
    "$busybox" printf '%s=%s\n' "$1" "$("$busybox" printf %s "$2" | "$busybox" tr -d '\000-\037\177')"
}

report() {
    {
        line event "$1"
        line address "$2"
        line router "${router:-}"
        line dns "${dns:-}"
        line server "${serverid:-}"
        line lease "${lease:-}"
        line search "${search:-${domain:-}}"
    } >"$WEFT_LEASE.new" && "$busybox" mv -f "$WEFT_LEASE.new" "$WEFT_LEASE"
    # Opened for both, a FIFO without a reader does not keep us waiting.
    [ -p "$WEFT_BELL" ] && echo "${WEFT_LEASE##*/}" 1<>"$WEFT_BELL"
}

bound() {
    wanted=$ip/${mask:-32}
    led=
    if [ -e "$WEFT_LEASE.default" ] || default_route; then led=yes; fi
    present=$(addresses)
    case " $(echo $present) " in
        *" $wanted "*) ;;
        *) "$busybox" ip -4 addr add "$wanted" broadcast + dev "$interface" ;;
    esac
    for address in $present; do
        [ "$address" = "$wanted" ] || "$busybox" ip -4 addr del "$address" dev "$interface"
    done
    if [ -n "$led" ] && [ -n "${router:-}" ]; then
        "$busybox" ip -4 route replace default via "${router%% *}" dev "$interface" && rm -f "$WEFT_LEASE.default"
    fi
    report bound "$wanted"
}

lost() {
    # The client says so at its start too, when nothing is to be taken away yet.
    [ -n "$(addresses)" ] || exit 0
    if default_route; then : >"$WEFT_LEASE.default"; fi
    "$busybox" ip -4 addr flush dev "$interface"
    report lost ''
}

case $1 in
    bound | renew) bound ;;
    deconfig) [ -e "$WEFT_LEASE.adopt" ] && "$busybox" rm -f "$WEFT_LEASE.adopt" || lost ;;
esac
exit 0
"""


def install_script(path: Path, busybox: str) -> None:
    """Write the script where it is not there as it should be; raises SystemFailure."""
    text = _TEXT.replace("@busybox@", busybox)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_file() and path.read_text() == text:
            return
        new = path.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o700)
        os.replace(new, path)
    except OSError as error:
        raise SystemFailure(f"cannot install {path} for the DHCP client: {error.strerror}") from error
