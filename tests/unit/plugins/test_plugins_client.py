"""Plugins reached by TCP and TLS, named by files."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from weft.model.errors import InvalidParameter, Unavailable
from weft.plugins.client import Limits
from weft.plugins.discovery import Directories
from weft.plugins.registry import PluginRegistry

LIMITS = Limits(answer=2, retry=0.1, first_pause=0.05)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[PluginRegistry]:
    made = PluginRegistry(Directories((), (tmp_path,)), limits=LIMITS)
    yield made
    await made.close()


async def serve(context: ssl.SSLContext | None = None) -> tuple[web.AppRunner, int]:
    """A network plugin on a free port of 127.0.0.1."""

    async def answer(request: web.Request) -> web.Response:
        assert request.content_type == "application/vnd.docker.plugins.v1.2+json"
        assert request.headers["Accept"] == "application/vnd.docker.plugins.v1.2+json"
        method = request.match_info["method"]
        return web.json_response({"Implements": ["NetworkDriver"]} if "Activate" in method else {"Scope": "local"})

    app = web.Application()
    app.router.add_post("/{method}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return runner, runner.addresses[0][1]


def certificates(at: Path) -> None:
    """Make ca.pem, server.pem and client.pem with their keys."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    commands = [["req", "-x509", *key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2"]]
    (at / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        commands.append(["req", *key, "-keyout", f"{name}-key.pem", "-out", f"{name}.csr", "-subj", f"/CN={name}"])
        signed = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"]
        commands.append([*signed, "-out", f"{name}.pem", "-days", "2", "-extfile", "ext"])
    for command in commands:
        subprocess.run(["openssl", *command], cwd=at, check=True, capture_output=True)


async def test_tcp_by_a_spec_file(tmp_path: Path, registry: PluginRegistry) -> None:
    runner, port = await serve()
    (tmp_path / "near.spec").write_text(f"tcp://127.0.0.1:{port}\n")
    await registry.driver("near")
    await runner.cleanup()
    (tmp_path / "far.spec").write_text(f"tcp://127.0.0.1:{port}\n")
    with pytest.raises(Unavailable, match=f"plugin far does not answer at tcp://127.0.0.1:{port}"):
        await registry.driver("far")


async def test_tls_both_ways_by_a_json_file(tmp_path: Path, registry: PluginRegistry) -> None:
    certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    runner, port = await serve(context)
    tls = {"CAFile": "ca.pem", "CertFile": "client.pem", "KeyFile": "client-key.pem"}
    cases = {"good": tls, "stranger": {**tls, "CAFile": ""}, "lost": {**tls, "CAFile": "/nowhere.pem"}}
    cases["anyone"] = {"CertFile": "client.pem", "KeyFile": "client-key.pem", "InsecureSkipVerify": True}  # type: ignore[dict-item]
    for name, config in cases.items():
        content = {"Name": name, "Addr": f"https://127.0.0.1:{port}", "TLSConfig": config}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    await registry.driver("good")
    await registry.driver("anyone")
    with pytest.raises(Unavailable, match=r"plugin stranger at tcp://.*no TLS with it"):
        await registry.driver("stranger")
    with pytest.raises(InvalidParameter, match="plugin lost: its TLS files cannot be used"):
        await registry.driver("lost")
    await runner.cleanup()


def test_pauses_stay_below_the_limit() -> None:
    assert Limits().pauses() == [1, 2, 4, 8]
    assert Limits(retry=0).pauses() == []
