"""The report as JUnit XML: every threshold is a test case, so build servers show and chart them.

``fail`` is a failure. ``unknown`` is skipped with its reason, since neither green nor red is true.
Whether the run can be judged is a case of its own, passed for a valid one: an inconclusive run is
an error there, since the thresholds below it can not be trusted, and a degraded one is skipped.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from otel_voiceload.reports.render.facts import about_window
from otel_voiceload.reports.render.phrases import bounds, decides, observed, verdict_of
from otel_voiceload.reports.report import Report, ThresholdResult


def render(report: Report) -> str:
    run = report["run"]
    cases = [_run_case(report), *(_case(report, result) for result in report["thresholds"])]
    suite = Xml.Element(
        "testsuite",
        name="otel-voiceload",
        tests=str(len(cases)),
        failures=_count(cases, "failure"),
        errors=_count(cases, "error"),
        skipped=_count(cases, "skipped"),
        timestamp=run["started"],
    )
    properties = Xml.SubElement(suite, "properties")
    for name, value in (
        ("run", run["id"]),
        ("target", run["target"]),
        ("profile", run["profile"]),
        ("headline", report["headline"]),
        *(("window", line) for line in about_window(report)),
    ):
        Xml.SubElement(properties, "property", name=name, value=printable(value))
    suite.extend(cases)
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _count(cases: list[Xml.Element], kind: str) -> str:
    return str(sum(case.find(kind) is not None for case in cases))


def _run_case(report: Report) -> Xml.Element:
    case = Xml.Element("testcase", classname="ovl.run", name="the run can be judged")
    validity = report["run"]["validity"]
    why = "; ".join(report["run"]["validity_reasons"]) or f"the run is {validity}"
    if validity == "inconclusive":
        Xml.SubElement(case, "error", message=printable(why), type="inconclusive")
    elif validity == "degraded":
        Xml.SubElement(case, "skipped", message=printable(f"degraded: {why}"))
    said = "\n".join([*about_window(report), report["headline"]])
    Xml.SubElement(case, "system-out").text = printable(said)
    return case


def _case(report: Report, result: ThresholdResult) -> Xml.Element:
    censored_at = report["turn_latency"]["censored_at_s"]
    case = Xml.Element(
        "testcase",
        classname=f"ovl.threshold.{printable(result['metric'])}",
        name=printable(f"{result['metric']} {result['expression']}"),
    )
    said = f"observed {observed(result, censored_at)}, 95% bounds {bounds(result, censored_at)}"
    if result["verdict"] == "fail" and decides(result):
        Xml.SubElement(case, "failure", message=printable(said), type="threshold")
    elif result["verdict"] == "fail":
        whose = "broken by some levels" if result["written_by_user"] else "the method's own limit"
        why = f"{whose}, which no build fails by: {said}"
        Xml.SubElement(case, "skipped", message=printable(why))
    elif result["verdict"] != "pass":
        Xml.SubElement(case, "skipped", message=printable(f"{verdict_of(result)}; {said}"))
    Xml.SubElement(case, "system-out").text = printable(said)
    return case


def printable(text: str) -> str:
    """XML 1.0 has no way to write most control characters, not even escaped."""
    return "".join(
        sign if sign >= " " or sign in "\t\n" else "\N{REPLACEMENT CHARACTER}" for sign in text
    )
