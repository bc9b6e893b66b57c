"""The report for GitHub Actions: the step summary's Markdown, and annotations.

Two texts, since they go to two places. A runner reads annotations from either stream of a step, so
they go to stderr and the summary to stdout: ``ovl analyze -f github >> $GITHUB_STEP_SUMMARY`` gives
the page its text and the pull request its marks.
"""

from __future__ import annotations

from otel_voiceload.reports.render import markdown
from otel_voiceload.reports.render.facts import about_window
from otel_voiceload.reports.render.phrases import bounds, decides, observed, verdict_of
from otel_voiceload.reports.report import Report


def render(report: Report) -> str:
    """The step summary."""
    return markdown.render(report)


def commands(report: Report) -> list[str]:
    """One command per thing that a reviewer should see; none when all held."""
    lines = []
    if report["run"]["validity"] != "valid":
        level = "error" if report["run"]["validity"] == "inconclusive" else "warning"
        why = "; ".join(report["run"]["validity_reasons"]) or "no reason given"
        lines.append(command(level, f"the run is {report['run']['validity']}", why))
    censored_at = report["turn_latency"]["censored_at_s"]
    for result in report["thresholds"]:
        name = f"{result['metric']} {result['expression']}"
        said = f"observed {observed(result, censored_at)}, 95% bounds {bounds(result, censored_at)}"
        if result["verdict"] == "fail":
            level = "error" if decides(result) else "warning"
            lines.append(command(level, f"{name} failed", said))
        elif result["verdict"] == "unknown" and decides(result):
            lines.append(command("warning", f"{name} undecided", f"{verdict_of(result)}; {said}"))
    said = " ".join([report["headline"], *about_window(report)])
    lines.append(command("notice", "otel-voiceload", said))
    return lines


def command(level: str, title: str, message: str) -> str:
    """A workflow command; a line break or a colon in user text must not end or split it."""
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
