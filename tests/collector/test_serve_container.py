"""The container file, read as text: there is no container engine where these tests run.

That a read-only root file system is enough is told by tests/faults/test_disks.py.
"""

import json
from pathlib import Path

from ovl_collector.command_line import config_from
from ovl_collector.options import read_options

LINES = (
    (Path(__file__).parents[2] / "collector/Dockerfile").read_text().replace("\\\n", " ")
).splitlines()


def steps(word):
    return [line.removeprefix(f"{word} ") for line in LINES if line.startswith(f"{word} ")]


def test_it_runs_as_nobody_in_particular_and_never_becomes_root_again():
    assert steps("USER") == ["65532:65532"]
    after = LINES[[line.startswith("USER ") for line in LINES].index(True) :]
    assert not [line for line in after if line.startswith(("RUN ", "COPY ", "ADD "))]


def test_all_it_writes_is_its_volume():
    assert steps("VOLUME") == ["/store"]
    assert "PYTHONDONTWRITEBYTECODE=1" in steps("ENV")[0]
    assert "chown 65532:65532 /store" in steps("RUN")[0]


def test_its_command_is_one_that_the_collector_takes(monkeypatch):
    monkeypatch.setenv("OVL_TOKEN", "secret")
    command = [*json.loads(steps("ENTRYPOINT")[0]), *json.loads(steps("CMD")[0])]
    assert command[:3] == ["python", "-m", "ovl_collector.serve"]
    config = config_from(read_options(command[3:], {}))
    assert config.problems() == []
    assert config.token == "secret"
    assert {str(address.port) for address in (config.grpc, config.http)} == set(
        steps("EXPOSE")[0].split()
    )


def test_an_open_door_without_a_guard_is_still_refused():
    command = json.loads(steps("ENTRYPOINT")[0])[3:]
    assert len(config_from(read_options(command, {})).problems()) == 2
