"""``ovl check TARGET``: is everything there that a load test needs, before it begins?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.cli.target_options import (
    CALLS,
    Allow,
    Calls,
    Duration,
    Headers,
    Params,
    Profile,
    Rate,
    Scenarios,
    Stages,
    TlsCa,
    TlsInsecure,
)

app = verb_app()

ANSWERS = "Answers to what only people know"


@app.command()
@with_common
def check(
    common: Common,
    target: Annotated[str, typer.Argument(help="Whom the test will call: ws://127.0.0.1:8765.")],
    profile: Profile = None,
    calls: Calls = None,
    rate: Rate = None,
    duration: Duration = None,
    stage: Stages = None,
    scenario: Scenarios = None,
    max_calls: Annotated[
        int, typer.Option("--max-calls", min=1, rich_help_panel=CALLS, help="Never hold more.")
    ] = 100,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, rich_help_panel=CALLS, help="Worker processes."),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option("--threshold", rich_help_panel=CALLS, help="turn_latency:p95<2s."),
    ] = None,
    header: Headers = None,
    param: Params = None,
    tls_ca: TlsCa = None,
    tls_insecure: TlsInsecure = False,
    allow: Allow = None,
    limits: Annotated[
        Path | None,
        typer.Option(
            "--limits", rich_help_panel=ANSWERS, help="What the providers grant: ovl plan's file."
        ),
    ] = None,
    quotas: Annotated[
        str, typer.Option("--quotas", rich_help_panel=ANSWERS, help="The same in words.")
    ] = "",
    autoscaling: Annotated[
        str,
        typer.Option("--autoscaling", rich_help_panel=ANSWERS, help="How the target scales."),
    ] = "",
    alerts: Annotated[
        str, typer.Option("--alerts", rich_help_panel=ANSWERS, help="Which alarms would go off.")
    ] = "",
    rollback_contact: Annotated[
        str,
        typer.Option("--rollback-contact", rich_help_panel=ANSWERS, help="Who can stop it all."),
    ] = "",
    scenario_mix: Annotated[
        str,
        typer.Option("--scenario-mix", rich_help_panel=ANSWERS, help="Why these scenarios."),
    ] = "",
    clock: Annotated[
        str,
        typer.Option("--clock", rich_help_panel=ANSWERS, help="Who keeps this clock right."),
    ] = "",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Leave with 99 when a point is missing or to be asked."),
    ] = False,
) -> None:
    """Look at everything that a load test needs, and place one call; no load is sent.

    This machine (files, ports, memory, disk, clock, pacing), the target (one call), and the
    method's checklist, each done, missing, to be asked, or failed. Options that are not given come
    from the sections check, generate and plan of ovl.yaml. Leaves with 3 when the target can not
    be called or this machine can not bear the plan.
    """
    from otel_voiceload.analysis.thresholds import to_mapping
    from otel_voiceload.cli.load_words import LoadWords
    from otel_voiceload.cli.reading import written_thresholds
    from otel_voiceload.reports.render import readiness
    from otel_voiceload.runner import check as checking
    from otel_voiceload.runner.plan import RunPlan, parse_header, parse_param
    from otel_voiceload.runner.screen import Screen

    form = common.one_of("text", "json", "md", "junit", "github")
    words = LoadWords(
        profile, calls, rate, "poisson", None, duration, tuple(stage or ()), 1.0, False
    )
    name, request = words.resolve(common.typed)
    plan = RunPlan(
        target=target,
        profile_name=name,
        request=request,
        store=common.store,
        scenarios=tuple(scenario or ("booking",)),
        headers=dict(parse_header(text) for text in header or ()),
        params=dict(parse_param(text) for text in param or ()),
        tls_ca=tls_ca,
        tls_insecure=tls_insecure,
        allow=tuple(allow or ()),
        max_calls=max_calls,
        processes=processes,
        thresholds=to_mapping(written_thresholds(common, threshold or ())),
    )
    answers = checking.Answers(
        autoscaling=autoscaling,
        alerts=alerts,
        rollback_contact=rollback_contact,
        scenario_mix=scenario_mix,
        clock=clock,
        quotas=quotas,
    )
    asked = checking.Asked(answers, limits, strict)
    screen = Screen(sys.stderr, quiet=common.quiet, no_color=common.no_color)
    found = checking.check(plan, asked, screen)
    if form == "text":
        color = common.to_stdout and common.color_on(sys.stdout)
        common.emit(readiness.text(found, color=color))
    else:
        if form == "github":
            for command in readiness.commands(found):
                typer.echo(command, err=True)
        common.emit(readiness.FORMS[form](found))
    raise typer.Exit(found.exit_code)
