"""Records survive a crash, whole transactions only."""

import os
import sqlite3
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from pathlib import Path

import pytest

from weft.engine.contract.records import Delete, Put
from weft.model.container import (
    ContainerRecord,
    ContainerSpec,
    ContainerState,
    MountSpec,
    MountType,
    NetworkingSpec,
    ProcessSpec,
    Status,
)
from weft.model.endpoint import Attachment, Endpoint, EndpointSpec
from weft.model.errors import SystemFailure
from weft.model.network import NetworkRecord, NetworkSpec, Pool, PoolSpec
from weft.model.port import ContainerPort, PortRequest, Protocol, PublishedPort
from weft.model.volume import VolumeRecord
from weft.store.sqlite import SqliteStore

CONTAINER = ContainerRecord(
    id="c" * 64,
    name="web",
    created=1,
    image_id="sha256:aa",
    spec=ContainerSpec(
        image="busybox",
        process=ProcessSpec(cmd=("top",), console_size=(24, 80)),
        networking=NetworkingSpec(
            exposed=(ContainerPort(80),),
            ports=(PortRequest(ContainerPort(53, Protocol.UDP), IPv4Address("127.0.0.1"), 53, 53),),
        ),
        mounts=(MountSpec(type=MountType.BIND, source="/a", target="/b"),),
    ),
    state=ContainerState(status=Status.RUNNING, pid=7),
    attachments=(
        Attachment(
            network_id="n" * 64,
            network_name="net",
            spec=EndpointSpec(ipv4=IPv4Address("10.0.0.9"), aliases=("a",)),
            endpoint=Endpoint(
                id="e" * 64,
                network_id="n" * 64,
                ipv4=IPv4Interface("10.0.0.9/24"),
                ipv6=IPv6Interface("fd00::9/64"),
                gateway_ipv4=IPv4Address("10.0.0.1"),
            ),
        ),
    ),
    ports=(PublishedPort(ContainerPort(80), IPv4Address("0.0.0.0"), 8080),),
)
NETWORK = NetworkRecord(
    id="n" * 64,
    created=2,
    spec=NetworkSpec(name="net", pools=(PoolSpec(aux_addresses={"r": IPv4Address("10.0.0.2")}),), options={"k": "v"}),
    pools=(Pool(subnet=IPv4Network("10.0.0.0/24")), Pool(subnet=IPv6Network("fd00::/64"))),
)
VOLUME = VolumeRecord(name="data", created=3, mountpoint="/v", labels={"a": "b"})


def test_records_come_back_equal(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "weft.db")
    store.commit(Put(CONTAINER), Put(NETWORK), Put(VOLUME))
    store.close()
    loaded = SqliteStore(tmp_path / "weft.db").load()
    assert sorted(map(repr, loaded)) == sorted(map(repr, (CONTAINER, NETWORK, VOLUME)))


def test_delete_and_replace(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "weft.db")
    store.commit(Put(NETWORK), Put(VOLUME))
    store.commit(Delete(VolumeRecord, "data"), Delete(VolumeRecord, "never"), Put(NETWORK))
    assert store.load() == (NETWORK,)


def test_what_was_committed_survives_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "weft.db"
    child = os.fork()
    if child == 0:
        store = SqliteStore(path)
        store.commit(Put(NETWORK))
        os._exit(9)
    os.waitpid(child, 0)
    assert SqliteStore(path).load() == (NETWORK,)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "weft.db")
    assert (tmp_path / "weft.db").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "weft.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SystemFailure, match=r"cannot use the store .*weft\.db"):
        SqliteStore(tmp_path / "weft.db")


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "weft.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SystemFailure, match="version 99"):
        SqliteStore(tmp_path / "weft.db")


def test_an_unreadable_record_is_named(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "weft.db")
    store.commit(Put(NETWORK))
    database = sqlite3.connect(tmp_path / "weft.db")
    with database:
        database.execute("UPDATE records SET body = '{'")
    database.close()
    with pytest.raises(SystemFailure, match="unreadable network nnnn"):
        store.load()
