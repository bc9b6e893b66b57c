"""What ``ovl check`` found, in every form: the headline, then the checks, machine first.

In JUnit and on GitHub an open point is no failure unless the user wants nothing left open: a build
that is red because nobody wrote down a telephone number teaches people to ignore it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Final
from xml.etree import ElementTree as Xml

import orjson

from otel_voiceload.reports.readiness import GROUPS, OPEN, Check, Readiness
from otel_voiceload.reports.render.github import command
from otel_voiceload.reports.render.junit import printable
from otel_voiceload.reports.render.markdown_parts import escape, table

WIDTH: Final = 80
_INDENT: Final = 29  # columns of state and name before what was found
_TITLES: Final = {"machine": "THIS MACHINE", "target": "TARGET", "method": "METHOD"}
_CODES: Final = {"done": "32", "missing": "33", "ask": "33", "failed": "31"}


def text(found: Readiness, *, color: bool = False) -> str:
    lines = [*textwrap.wrap(f"{found.target}: {found.headline}", WIDTH), f"plan: {_plan(found)}"]
    for group in GROUPS:
        checks = [check for check in found.checks if check.group == group]
        if checks:
            lines += ["", _TITLES[group]]
        for check in checks:
            lines += _lines(check, color)
    return "\n".join(lines)


def _lines(check: Check, color: bool) -> list[str]:
    state = f"{check.state:<9}"
    if color:
        state = f"\x1b[{_CODES[check.state]}m{state}\x1b[0m"
    said = textwrap.wrap(check.found, WIDTH - _INDENT) or [""]
    if check.next:
        said += textwrap.wrap(f"next: {check.next}", WIDTH - _INDENT)
    first, *rest = said
    return [f"  {state}{check.name:<18}{first}", *(" " * _INDENT + line for line in rest)]


def _plan(found: Readiness) -> str:
    return f"{found.profile}, {found.peak_calls} call{'s' if found.peak_calls != 1 else ''} at most"


def to_json(found: Readiness) -> str:
    content = {
        "schema_version": 1,
        "target": found.target,
        "profile": found.profile,
        "peak_calls": found.peak_calls,
        "ready": found.ready,
        "strict": found.strict,
        "exit_code": int(found.exit_code),
        "headline": found.headline,
        "checks": [
            {
                "group": check.group,
                "name": check.name,
                "state": check.state,
                "found": check.found,
                "next": check.next,
            }
            for check in found.checks
        ],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()


def markdown(found: Readiness) -> str:
    rows = [
        [check.group, check.name, f"**{check.state}**", escape(check.found), escape(check.next)]
        for check in found.checks
    ]
    return "\n\n".join(
        [
            f"# {escape(found.target)}: {escape(found.headline)}",
            f"Plan: {escape(_plan(found))}.",
            table(["part", "check", "state", "found", "next"], rows),
        ]
    )


def junit(found: Readiness) -> str:
    cases = [_case(check, strict=found.strict) for check in found.checks]
    suite = Xml.Element("testsuite", name="otel-voiceload check", tests=str(len(cases)))
    for kind, count in (("failure", "failures"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("errors", "0")
    suite.extend(cases)
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _case(check: Check, *, strict: bool) -> Xml.Element:
    case = Xml.Element("testcase", classname=f"ovl.check.{check.group}", name=check.name)
    said = printable("; next: ".join(part for part in (check.found, check.next) if part))
    if check.state == "failed" or (strict and check.state in OPEN):
        Xml.SubElement(case, "failure", message=said, type=check.state)
    elif check.state in OPEN:
        Xml.SubElement(case, "skipped", message=f"{check.state}: {said}")
    Xml.SubElement(case, "system-out").text = said
    return case


def commands(found: Readiness) -> list[str]:
    """A workflow command for each check that is not done, and the headline."""
    lines = []
    for check in found.of("failed", *OPEN):
        level = "error" if check.state == "failed" or found.strict else "warning"
        said = "; ".join(part for part in (check.found, check.next) if part)
        lines.append(command(level, f"{check.name}: {check.state}", said))
    return [*lines, command("notice", "ovl check", found.headline)]


FORMS: Final[dict[str, Callable[[Readiness], str]]] = {
    "json": to_json,
    "md": markdown,
    "junit": junit,
    "github": markdown,
}
