"""A comparison for build servers: JSON as it is, JUnit cases, and GitHub's annotations.

A gate that could not be decided is skipped with its reason: neither green nor red is true.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import orjson

from otel_voiceload.reports.compare import ComparedMetric, Comparison
from otel_voiceload.reports.render.compare_text import difference, limit
from otel_voiceload.reports.render.github import command
from otel_voiceload.reports.render.junit import printable


def to_json(made: Comparison) -> str:
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode()


def junit(made: Comparison) -> str:
    """One case per gate."""
    cases = [_case(each) for each in made["metrics"] if each["tolerated"] is not None]
    suite = Xml.Element(
        "testsuite",
        name="otel-voiceload compare",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors="0",
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        timestamp=made["run"][0]["started"],
    )
    properties = Xml.SubElement(suite, "properties")
    for name, value in (
        ("base", ", ".join(each["id"] for each in made["base"])),
        ("run", ", ".join(each["id"] for each in made["run"])),
        ("headline", made["headline"]),
    ):
        Xml.SubElement(properties, "property", name=name, value=printable(value))
    suite.extend(cases)
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _case(metric: ComparedMetric) -> Xml.Element:
    name = f"{metric['metric']} {limit(metric)}"
    case = Xml.Element("testcase", classname="ovl.compare", name=name)
    said = difference(metric)
    if metric["verdict"] == "fail":
        Xml.SubElement(case, "failure", message=printable(said), type="comparison")
    elif metric["verdict"] != "pass":
        Xml.SubElement(case, "skipped", message=printable(f"{metric['why']}; {said}"))
    Xml.SubElement(case, "system-out").text = printable(said)
    return case


def commands(made: Comparison) -> list[str]:
    """One annotation per gate that failed or could not be decided, and what is not the same."""
    lines = [command("warning", "not the same", each) for each in made["not_the_same"]]
    for metric in made["metrics"]:
        name = f"{metric['metric']} {limit(metric)}"
        if metric["verdict"] == "fail":
            lines.append(command("error", f"{name} failed", difference(metric)))
        elif metric["verdict"] == "unknown":
            lines.append(command("warning", f"{name} undecided", metric["why"] or "unknown"))
    because = "; ".join([made["headline"], *made["explanation"]])
    return [*lines, command("notice", "otel-voiceload", because)]
