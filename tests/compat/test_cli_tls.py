"""The docker CLI over TLS with certificates on both sides."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from rig.docker import CLIS
from rig.engine import Engine, MakeEngine


def certificates(at: Path) -> None:
    """Make a CA, and a server's and a client's certificate of it."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=at, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        (at / f"{name}.ext").write_text(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n")
        openssl("req", *key, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext"),
        )


class RemoteDocker:
    """`docker` in the engine's host, which it reaches through a TCP port."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._ours = ["-H", "tcp://127.0.0.1:2376", "--tlsverify", "--tlscacert", f"{directory}/ca.pem"]
        self._certificate = ["--tlscert", f"{directory}/client.pem", "--tlskey", f"{directory}/client-key.pem"]

    def __call__(
        self, *arguments: str, stdin: bytes = b"", certificate: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        options = self._ours + (self._certificate if certificate else [])
        return subprocess.run(
            self._engine.host.command([CLIS[0], *options, *arguments]),
            input=stdin,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "HOME": str(self._engine.directory)},
            timeout=90,
            check=False,
        )


def test_the_cli_over_tls(make_engine: MakeEngine, tmp_path: Path) -> None:
    certificates(tmp_path)
    files = {
        "tlscacert": f"{tmp_path}/ca.pem",
        "tlscert": f"{tmp_path}/server.pem",
        "tlskey": f"{tmp_path}/server-key.pem",
    }
    engine = make_engine({"tlsverify": True, **files}, flags=["-H", "tcp://127.0.0.1:2376"])
    docker = RemoteDocker(engine, tmp_path)

    # the end of what is typed in is the end of the process's input, and all that it says arrives
    for size in (1, 5_000_000):
        said = b"x" * size
        done = docker("run", "-i", "--rm", "busybox", "sh", "-c", "cat; echo the end", stdin=said)
        assert (done.returncode, done.stdout) == (0, said + b"the end\n"), done.stderr
    done = docker("run", "-i", "--rm", "busybox", "sh", "-c", "cat >/dev/null; sleep 0.5; exit 5", stdin=b"x")
    assert done.returncode == 5

    archive = docker("save", "busybox")
    assert len(archive.stdout) > 500_000
    assert docker("load", "-q", stdin=archive.stdout).stdout.strip() == b"Loaded image: busybox:latest"

    stranger = docker("version", certificate=False)
    assert stranger.returncode != 0
    assert b"certificate" in stranger.stderr
