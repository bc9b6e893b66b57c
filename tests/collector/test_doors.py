import asyncio
import socket
from pathlib import Path

import pytest

from ovl_collector import config as config_module
from ovl_collector.config import Address, Config
from ovl_collector.doors import open_doors
from ovl_collector.errors import UsageError

ANY = Address("127.0.0.1", 0)


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def opened(config, monkeypatch=None, **standard):
    async def run():
        for name, port in standard.items():
            monkeypatch.setattr(f"ovl_collector.doors.{name}", port)
        doors = open_doors(config)
        await doors.grpc_server.stop()
        doors.listener.close()
        return doors

    return asyncio.run(run())


def test_ports_that_were_asked_for_are_told(tmp_path):
    doors = opened(Config(tmp_path, grpc=ANY, http=ANY))
    assert doors.http_url.startswith("http://127.0.0.1:")
    assert doors.grpc.port != 0
    assert doors.notes == ()


def test_a_standard_port_that_is_taken_is_replaced_and_noted(tmp_path, taken, monkeypatch):
    doors = opened(Config(tmp_path), monkeypatch, HTTP_PORT=taken, GRPC_PORT=taken)
    assert [note.split(",")[0] for note in doors.notes] == [f"port {taken} is taken"] * 2
    assert str(doors.grpc.port) in doors.notes[1]


@pytest.mark.parametrize("which", ["http", "grpc"])
def test_a_port_that_was_asked_for_and_is_taken_is_an_error_in_one_line(which, taken, capfd):
    asked = {"http": ANY, "grpc": ANY, which: Address("127.0.0.1", taken)}
    with pytest.raises(UsageError, match=rf"port 127.0.0.1:{taken} can not be bound .*--{which}"):
        opened(Config(Path("s"), **asked))
    assert capfd.readouterr().err == ""


def test_the_standard_ports_are_otlps():
    assert (config_module.GRPC_PORT, config_module.HTTP_PORT) == (4317, 4318)
