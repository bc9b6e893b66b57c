from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree as Xml

from otel_voiceload.reports.readiness import Check, Readiness
from otel_voiceload.reports.render import readiness as render

FOUND = Readiness(
    "ws://127.0.0.1:8765",
    "ramp",
    200,
    (
        Check("machine", "open files", "done", "350 needed per process, 1,024 are permitted"),
        Check("machine", "clock", "ask", "nobody says", "say who with --clock"),
        Check("target", "smoke call", "failed", "it is <mute> | silent", "see that it runs " * 6),
        Check("method", "baseline", "missing", "none", "ovl generate TARGET -p baseline"),
    ),
)


def test_the_text_has_the_headline_first_and_then_each_part_in_80_columns() -> None:
    lines = render.text(FOUND).splitlines()

    assert lines[0].startswith("ws://127.0.0.1:8765: not ready: smoke call failed")
    assert lines.index("THIS MACHINE") < lines.index("TARGET") < lines.index("METHOD")
    assert max(map(len, lines)) <= 80
    assert "  missing  baseline          none" in lines
    assert " " * 29 + "next: ovl generate TARGET -p baseline" in lines
    assert "\x1b" not in render.text(FOUND)
    assert "\x1b[31mfailed" in render.text(FOUND, color=True)


def test_the_json_has_every_check_and_the_code() -> None:
    said = json.loads(render.to_json(FOUND))

    assert (said["ready"], said["exit_code"], said["peak_calls"]) == (False, 3, 200)
    assert [check["state"] for check in said["checks"]] == ["done", "ask", "failed", "missing"]


def test_markdown_keeps_what_a_target_said_out_of_its_markup() -> None:
    assert "it is &lt;mute&gt; \\| silent" in render.markdown(FOUND)


def cases(found: Readiness, kind: str) -> list[str | None]:
    root = Xml.fromstring(render.junit(found))
    return [case.get("name") for case in root.iter("testcase") if case.find(kind) is not None]


def test_an_open_point_is_skipped_in_junit_unless_nothing_may_be_open() -> None:
    strict = replace(FOUND, strict=True)

    assert cases(FOUND, "failure") == ["smoke call"]
    assert cases(FOUND, "skipped") == ["clock", "baseline"]
    assert cases(strict, "failure") == ["clock", "smoke call", "baseline"]
    suite = Xml.fromstring(render.junit(strict)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "3", "0")


def test_github_gets_an_error_for_what_failed_and_a_warning_for_what_is_open() -> None:
    levels = [line.split(" ")[0] for line in render.commands(FOUND)]

    assert levels == ["::warning", "::error", "::warning", "::notice"]
