import json
import re
import tomllib
from pathlib import Path

import pytest

from ovl_collector.command_line import config_from
from ovl_collector.errors import UsageError
from ovl_collector.options import OPTIONS, as_toml, read_options
from ovl_collector.serve import main

EXAMPLE = Path(__file__).parents[2] / "collector/collector.example.toml"
IN_FILES = {option.key: option for option in OPTIONS if not option.line_only}


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "collector.toml"
        path.write_text(text)
        return str(path)

    return write


def test_the_example_file_says_every_default_and_nothing_else():
    written = tomllib.loads(EXAMPLE.read_text())
    assert written == {
        key: list(option.default) if option.kind == "texts" else option.default
        for key, option in IN_FILES.items()
        if option.default is not None
    }
    read = read_options(["--config", str(EXAMPLE)], {})
    defaults = read_options([], {})
    assert vars(read) | {"config": None} == vars(defaults)


def test_the_example_file_shows_what_has_no_default():
    text = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    shown = tomllib.loads(text)
    assert list(shown) == list(IN_FILES)
    assert {key: shown[key] for key, option in IN_FILES.items() if option.default is None} == {
        key: option.example for key, option in IN_FILES.items() if option.default is None
    }


@pytest.mark.parametrize(
    ("line", "environment", "in_file", "wins"),
    [
        (["--max-size", "1GiB"], {"OVL_MAX_SIZE": "2GiB"}, 'max_size = "3GiB"', "1GiB"),
        ([], {"OVL_MAX_SIZE": "2GiB"}, 'max_size = "3GiB"', "2GiB"),
        ([], {"OVL_MAX_SIZE": ""}, 'max_size = "3GiB"', "3GiB"),
        ([], {}, "", None),
    ],
)
def test_the_line_wins_then_the_environment_then_the_file(line, environment, in_file, wins, file):
    found = read_options(["--config", file(in_file), *line], environment)
    assert found.max_size == wins


def test_every_kind_comes_from_the_environment():
    found = read_options(
        [],
        {
            "OVL_STORE": "elsewhere",
            "OVL_INSECURE": "yes",
            "OVL_SEGMENT_ITEMS": "7",
            "OVL_SEGMENT_AGE_S": "1.5",
            "OVL_CORS_ORIGIN": "https://a.example\nhttps://b.example\n",
            "OVL_CONFIG": "ovl.yaml",  # of the other program: not ours
        },
    )
    assert (found.store, found.insecure, found.segment_items) == ("elsewhere", True, 7)
    assert found.segment_age_s == 1.5
    assert found.cors_origin == ("https://a.example", "https://b.example")
    assert found.config is None


def test_a_collector_that_another_process_started_leaves_the_environment_alone():
    found = read_options(["--parent-pid", "1"], {"OVL_TOKEN": "t", "OVL_STORE": "elsewhere"})
    assert (found.token, found.store) == (None, "./ovl-store")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_szie = '1GiB'", "no option 'max_szie'; did you mean max_size"),
        ("max-body-mib = 4", "did you mean max_body_mib"),
        ("xyzzy = 1", "no option 'xyzzy'; there are store, grpc"),
        ("parent_pid = 1", "no option 'parent_pid'"),
        ("segment_items = '7'", "segment_items must be a whole number, not '7'"),
        ("insecure = 1", "insecure must be true or false"),
        ("cors_origin = 'https://a.example'", "must be a list of texts"),
        ("segment_mib = true", "must be a whole number"),
        ("token = 5", r"token must be a text, not \*\*\*"),
        ("store = ", "not TOML"),
    ],
)
def test_what_a_file_can_not_mean_is_refused_by_name(text, complaint, file):
    with pytest.raises(UsageError, match=complaint):
        read_options(["--config", file(text)], {})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nothing\.toml can not be read"):
        read_options(["--config", str(tmp_path / "nothing.toml")], {})


@pytest.mark.parametrize(
    ("name", "text"),
    [("OVL_SEGMENT_ITEMS", "many"), ("OVL_INSECURE", "perhaps"), ("OVL_SEGMENT_AGE_S", "1m")],
)
def test_what_a_variable_can_not_mean_is_refused_by_name(name, text):
    with pytest.raises(UsageError, match=f"{name} must be .*, not '{text}'"):
        read_options([], {name: text})


def test_secrets_are_read_from_where_the_file_says(monkeypatch, file):
    monkeypatch.setenv("A_TOKEN", "secret")
    path = file(
        'token = "env:A_TOKEN"\nforward = "http://a:1"\nforward_header = ["k: env:A_TOKEN"]'
    )
    found = config_from(read_options(["--config", path], {}))
    assert found.token == "secret"
    assert dict(found.forward.headers) == {"k": "secret"}


def test_the_shown_configuration_masks_secrets_and_is_a_file(file, capsys, monkeypatch):
    monkeypatch.delenv("OVL_TOKEN", raising=False)
    path = file('store = "here"\nforward_header = ["x-key: se:cret", "y: env:KEY"]\nmax_age = "7d"')
    assert main(["--config", path, "--token", "hid:den", "--print-config"]) == 0
    shown = capsys.readouterr().out
    assert "hid" not in shown
    assert "cret" not in shown
    written = tomllib.loads(shown)
    assert (written["store"], written["token"], written["max_age"]) == ("here", "***", "7d")
    assert written["forward_header"] == ["x-key: ***", "y: env:KEY"]
    assert read_options(["--config", file(shown)], {}).segment_items == 250_000


def test_words_on_the_line_are_not_guessed(capsys):
    with pytest.raises(SystemExit):
        read_options(["--stor", "x"], {})
    assert "--stor" in capsys.readouterr().err


def test_no_toml_text_is_one_that_json_would_write_differently(tmp_path):
    options = read_options(["--store", 'a"\\\n\u00e9\x01'], {})
    assert tomllib.loads(as_toml(options))["store"] == json.loads('"a\\"\\\\\\n\\u00e9\\u0001"')
