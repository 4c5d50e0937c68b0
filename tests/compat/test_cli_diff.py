"""docker diff and docker export: what a container changed, and all that it has."""

from __future__ import annotations

import io
import tarfile

import pytest

from rig.docker import Docker
from rig.engine import Engine

SCRIPT = """
set -e
cd /
echo new >/root/new
mkdir -p /made/deep; echo x >/made/deep/leaf
echo more >>/etc/passwd
rm /etc/group
chmod 600 /etc/nsswitch.conf
rm -r /var/tmp; mkdir /var/tmp; echo y >/var/tmp/again
rm -r /usr/share/nginx/html; mkdir /usr/share/nginx/html; echo z >/usr/share/nginx/html/other.html
rm -r /var/lib/nginx
touch -c /etc/nginx/nginx.conf
mv /usr/sbin/nginx /usr/sbin/moved
rm /bin/wget; mkdir /bin/wget
echo gone >/root/gone; rm /root/gone
chown 5 /tmp
ln -s /nowhere /root/link
mkfifo /root/fifo
chmod 1777 /var/tmp
"""
# what Debian's dockerd 20.10 says of it
CHANGES = """
C /bin
C /bin/wget
C /etc
D /etc/group
C /etc/nginx
C /etc/nginx/nginx.conf
C /etc/nsswitch.conf
C /etc/passwd
A /made
A /made/deep
A /made/deep/leaf
C /root
A /root/fifo
A /root/link
A /root/new
C /tmp
C /usr
C /usr/sbin
A /usr/sbin/moved
D /usr/sbin/nginx
C /usr/share
C /usr/share/nginx
C /usr/share/nginx/html
D /usr/share/nginx/html/index.html
A /usr/share/nginx/html/other.html
C /var
C /var/lib
D /var/lib/nginx
C /var/tmp
A /var/tmp/again
"""


@pytest.fixture
def docker(docker_newest: Docker) -> Docker:
    """One CLI is enough here."""
    return docker_newest


@pytest.mark.parametrize("state", ["running", "exited"])
def test_diff(docker: Docker, state: str) -> None:
    docker.out("run", "-d", "--name", "one", "nginx", "sh", "-c", f"{SCRIPT}\n touch /root/ready; exec top")
    docker.out("exec", "one", "sh", "-c", "until [ -e /root/ready ]; do sleep 0.05; done; rm /root/ready")
    if state == "exited":
        docker.out("kill", "one")
    shown = docker.lines("diff", "one")
    assert sorted(shown) == sorted(CHANGES.split("\n")[1:-1])
    for line in shown:  # a directory comes before what is in it
        parents = [place for place, other in enumerate(shown) if line[2:].startswith(other[2:] + "/")]
        assert all(place < shown.index(line) for place in parents)


def test_nothing_changed(docker: Docker, engine: Engine) -> None:
    docker.out("create", "--name", "one", "-v", "data:/etc", "busybox", "top")
    assert docker.out("diff", "one") == ""
    docker.out("start", "one")
    assert docker.out("diff", "one") == ""
    assert engine.api.need("GET", "/containers/one/changes") in (None, [])
    assert "No such container: two" in docker.fails("diff", "two")


@pytest.mark.parametrize("state", ["created", "running", "exited"])
def test_export(docker: Docker, state: str) -> None:
    docker.out("create", "--name", "one", "-v", "data:/data", "nginx", "top")
    if state != "created":
        docker.out("start", "one")
        docker.out("exec", "one", "sh", "-c", "rm /etc/nginx/nginx.conf; echo own >/root/own; echo v >/data/in-volume")
    if state == "exited":
        docker.out("kill", "one")
    exported = docker.raw("export", "one").stdout
    with tarfile.open(fileobj=io.BytesIO(exported)) as tar:
        names = set(tar.getnames())
        assert {".dockerenv", "bin", "bin/busybox", "etc/passwd", "etc/hosts", "usr/sbin/nginx", "proc"} <= names
        assert ("data" in names) is (state != "created")
        assert not any(name.startswith(("/", "./", "data/", "proc/", "sys/")) for name in names)
        assert ("etc/nginx/nginx.conf" in names) is (state == "created")
        assert ("root/own" in names) is (state != "created")
        assert tar.getmember("etc/hosts").size == 0
        assert tar.getmember("bin/wget").linkname == "busybox"
    imported = docker.raw("import", "-", "copy:1", stdin=exported)
    assert imported.returncode == 0, imported.stderr
    assert docker.out("run", "--rm", "copy:1", "cat", "/etc/nsswitch.conf").startswith("passwd: files")
    docker.out("rmi", "copy:1")


def test_exports_of_what_is_not_there(docker: Docker) -> None:
    assert "No such container: two" in docker.fails("export", "-o", "x.tar", "two")
