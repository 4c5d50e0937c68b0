"""`weft login` and `weft logout`: what the daemon is asked, and what docker's configuration file holds."""

import base64
import json
import stat

import pytest
from fake_daemon import Answer

ACCEPTED = Answer({"Status": "Login Succeeded", "IdentityToken": ""})
REFUSED = Answer({"message": "unauthorized: authentication required"}, status=401)
HUB = "https://index.docker.io/v1/"


@pytest.fixture
def config(tmp_path):
    return tmp_path / ".docker" / "config.json"


def packed(username, password):
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("given", "server"),
    [([], HUB), (["docker.io"], HUB), (["r.example:5000"], "r.example:5000"), (["https://r.example/v2/"], "r.example")],
)
def test_login_and_logout(weft, daemon, config, given, server):
    daemon.on("POST", "/auth", ACCEPTED)
    config.parent.mkdir()
    config.write_text(json.dumps({"detachKeys": "ctrl-x", "auths": {"other": packed("o", "p")}}))
    done = weft("login", "-u", "u", "--password-stdin", *given, stdin=b"p:w\r\n")
    assert (done.stdout, done.returncode) == (b"Login Succeeded\n", 0)
    assert f"stored unencrypted in '{config}'" in done.stderr.decode()
    expected = {"username": "u", "password": "p:w", "serveraddress": server}
    assert daemon.sent("POST", "/auth")[0].document == expected
    saved = json.loads(config.read_text())
    assert saved == {"detachKeys": "ctrl-x", "auths": {"other": packed("o", "p"), server: packed("u", "p:w")}}
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    again = weft("login", *given).stdout.decode()
    assert again == "Authenticating with existing credentials... [Username: u]\n\nLogin Succeeded\n"
    assert daemon.sent("POST", "/auth")[1].document == expected
    assert weft("logout", *given).stdout.decode() == f"Removing login credentials for {server}\n"
    assert weft("logout", *given).stdout.decode() == f"Not logged in to {server}\n"
    assert json.loads(config.read_text()) == {"detachKeys": "ctrl-x", "auths": {"other": packed("o", "p")}}
    assert [path.name for path in config.parent.iterdir()] == ["config.json"]


def test_refused_credentials_are_not_kept(weft, daemon, config):
    daemon.on("POST", "/auth", REFUSED)
    done = weft("login", "-u", "u", "-p", "wrong", "r:5")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "WARNING! Using --password via the CLI is insecure. Use --password-stdin.",
        "Error response from daemon: unauthorized: authentication required",
    ]
    assert not config.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-p", "a", "--password-stdin"], "--password and --password-stdin are mutually exclusive"),
        (["--password-stdin"], "Must provide --username with --password-stdin"),
        (["-u", "x"], "Error: Cannot perform an interactive login from a non TTY device"),
        ([], "Error: Cannot perform an interactive login from a non TTY device"),
    ],
)
def test_what_is_missing(weft, daemon, arguments, text):
    done = weft("login", *arguments)
    assert done.stderr.decode().splitlines()[-1] == text
    assert done.returncode == 1
    assert not daemon.sent("POST", "/auth")


def test_a_helper_keeps_them(weft, daemon, config, tmp_path):
    daemon.on("POST", "/auth", ACCEPTED)
    helper = tmp_path / "docker-credential-box"
    helper.write_text(f'#!/bin/sh\necho "$1" >>{tmp_path}/calls\n[ "$1" = get ] || exec cat >>{tmp_path}/calls\n'
                      f'[ -e {tmp_path}/kept ] && echo \'{{"Username":"u","Secret":"s"}}\'\n')  # fmt: skip
    helper.chmod(0o755)
    weft.environment["PATH"] = f"{tmp_path}:{weft.environment['PATH']}"
    config.parent.mkdir()
    config.write_text('{"credsStore": "box"}')
    done = weft("login", "-u", "u", "--password-stdin", "r:5", stdin=b"s")
    assert (done.stdout, done.stderr) == (b"Login Succeeded\n", b"")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert json.loads(calls[-1]) == {"ServerURL": "r:5", "Username": "u", "Secret": "s"}
    (tmp_path / "kept").touch()
    assert weft("logout", "r:5").stdout == b"Removing login credentials for r:5\n"
    assert (tmp_path / "calls").read_text().endswith("erase\nr:5")
    assert json.loads(config.read_text()) == {"credsStore": "box"}
