"""``ovl generate TARGET``: one smoke call, the load, the verdict."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from otel_voiceload.cli.options import Common, page_to_write, verb_app, with_common
from otel_voiceload.cli.target_options import (
    CALLS,
    TARGET,
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
from otel_voiceload.errors import ExitCode
from otel_voiceload.loading import ended_at_once

app = verb_app()

RUN = "Run"


@app.command()
@with_common
def generate(
    common: Common,
    target: Annotated[
        str, typer.Argument(help="Whom to call: ws://127.0.0.1:8765, or sim:agent.yaml.")
    ],
    profile: Profile = None,
    calls: Calls = None,
    rate: Rate = None,
    arrivals: Annotated[
        Literal["poisson", "constant"],
        typer.Option(
            "--arrivals", rich_help_panel=CALLS, help="How the calls of a rate are spread."
        ),
    ] = "poisson",
    total_calls: Annotated[
        int | None,
        typer.Option(
            "--total-calls", min=1, rich_help_panel=CALLS, help="End after so many calls."
        ),
    ] = None,
    duration: Duration = None,
    stage: Stages = None,
    pace: Annotated[
        float,
        typer.Option(
            "--pace",
            min=0.001,
            rich_help_panel=CALLS,
            help="Multiplies all durations; no hold gets below four turn cycles.",
        ),
    ] = 1.0,
    until_knee: Annotated[
        bool,
        typer.Option(
            "--until-knee",
            rich_help_panel=CALLS,
            help="Ramp in smaller steps where it bends, and stop when the knee is known.",
        ),
    ] = False,
    peak_calls: Annotated[
        float | None,
        typer.Option(
            "--peak-calls",
            min=1,
            rich_help_panel=CALLS,
            help="The load to judge thresholds at, where a profile searches for the limit.",
        ),
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(
            "--again",
            metavar="RUN",
            rich_help_panel=CALLS,
            help="The load of an earlier run once more: same plan, seed and clips.",
        ),
    ] = None,
    scenario: Scenarios = None,
    seed: Annotated[int, typer.Option("--seed", rich_help_panel=CALLS, help="Of every draw.")] = 1,
    header: Headers = None,
    param: Params = None,
    tls_ca: TlsCa = None,
    tls_insecure: TlsInsecure = False,
    allow: Allow = None,
    trace_sample: Annotated[
        float | None,
        typer.Option(
            "--trace-sample",
            min=0.0,
            max=1.0,
            rich_help_panel=TARGET,
            help="Share of calls that carry the sampled flag; ours are always kept.",
            show_default="1 on loopback, 0.1 elsewhere",
        ),
    ] = None,
    max_calls: Annotated[
        int, typer.Option("--max-calls", min=1, rich_help_panel=RUN, help="Never hold more.")
    ] = 100,
    max_connect_rate: Annotated[
        float,
        typer.Option(
            "--max-connect-rate", min=0.1, rich_help_panel=RUN, help="New calls a second."
        ),
    ] = 50.0,
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, rich_help_panel=RUN, help="Worker processes."),
    ] = None,
    collector: Annotated[
        str | None,
        typer.Option(
            "--collector", rich_help_panel=RUN, help="OTLP/HTTP endpoint to use, or embedded."
        ),
    ] = None,
    collector_header: Annotated[
        list[str] | None,
        typer.Option(
            "--collector-header",
            rich_help_panel=RUN,
            help="'Name: value' for that endpoint; env:NAME reads a secret (repeatable).",
        ),
    ] = None,
    collector_ca: Annotated[
        Path | None,
        typer.Option("--collector-ca", rich_help_panel=RUN, help="CA to trust there."),
    ] = None,
    spool_size: Annotated[
        str,
        typer.Option(
            "--spool-size",
            rich_help_panel=RUN,
            help="On disk at most, for spans that the collector does not take.",
        ),
    ] = "1GiB",
    target_pid: Annotated[
        list[int] | None,
        typer.Option(
            "--target-pid",
            rich_help_panel=TARGET,
            help="Process of the target, whose resources are recorded (repeatable).",
            show_default="on this machine whoever listens on its port",
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option("--threshold", rich_help_panel=RUN, help="turn_latency:p95<2s (repeatable)."),
    ] = None,
    abort_on_fail: Annotated[
        bool,
        typer.Option(
            "--abort-on-fail",
            rich_help_panel=RUN,
            help="End the run, with 99, when a threshold on callers or components surely broke.",
        ),
    ] = False,
    abort_grace: Annotated[
        str,
        typer.Option(
            "--abort-grace", rich_help_panel=RUN, help="How long the load is left alone first."
        ),
    ] = "30s",
    tag: Annotated[str, typer.Option("--tag", rich_help_panel=RUN, help="Name of this run.")] = "",
    page: Annotated[
        Path | None,
        typer.Option(
            "--report",
            callback=page_to_write,
            rich_help_panel=RUN,
            help="Write the page here as well.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            rich_help_panel=RUN,
            help="Show what the load would come to and what it could decide, and end.",
        ),
    ] = False,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config", rich_help_panel=RUN, help="Show what would be run, and end."
        ),
    ] = False,
) -> None:
    """Call a voice agent: one smoke call, then the load, then the verdict.

    Without options: 10 calls for 1 minute.
    """
    with ended_at_once():
        from otel_voiceload.analysis.thresholds import components_meant, parse, to_mapping
        from otel_voiceload.capacity.durations import duration_s
        from otel_voiceload.cli.again import beside, plan_of
        from otel_voiceload.cli.load_words import LoadWords, refuse_beside_again
        from otel_voiceload.cli.reading import FORMATS, conclude, written_thresholds
        from otel_voiceload.reports.build import exit_code
        from otel_voiceload.runner.dry_run import forecast
        from otel_voiceload.runner.dry_run_text import text, to_json
        from otel_voiceload.runner.plan import (
            SIMULATED_MAX_CALLS,
            RunPlan,
            parse_header,
            parse_param,
            parse_spool_size,
        )
        from otel_voiceload.runner.play import play
        from otel_voiceload.runner.prepare import refuse_unmeasurable, stages
        from otel_voiceload.runner.screen import Screen
        from otel_voiceload.runner.simulated import play_simulated

    promised = written_thresholds(common, threshold or ())
    if "threshold" in common.typed:  # a file's may be meant for several wires
        refuse_unmeasurable((each for text in threshold or () for each in parse(text)), target)
    for other in sorted(components_meant(promised)):
        common.note(f"{other} is no metric of ours: judged where the target times a part of it so")
    words = LoadWords(
        profile, calls, rate, arrivals, total_calls, duration, tuple(stage or ()), pace, until_knee
    )
    name, request = words.resolve(common.typed)
    plan = RunPlan(
        target=target,
        profile_name=name,
        request=request,
        store=common.store,
        scenarios=tuple(scenario or ("booking",)),
        collector=collector,
        collector_headers=dict(
            parse_header(text, "--collector-header") for text in collector_header or ()
        ),
        collector_ca=collector_ca,
        spool_bytes=parse_spool_size(spool_size),
        seed=seed,
        tag=tag,
        headers=dict(parse_header(text) for text in header or ()),
        params=dict(parse_param(text) for text in param or ()),
        tls_ca=tls_ca,
        tls_insecure=tls_insecure,
        trace_sample=trace_sample,
        allow=tuple(allow or ()),
        max_calls=max_calls,
        max_connect_rate=max_connect_rate,
        processes=processes,
        target_pids=tuple(target_pid or ()),
        thresholds=to_mapping(promised),
        peak_calls=peak_calls,
        abort_grace_s=duration_s(abort_grace) if abort_on_fail else None,
    )
    if again is not None:
        refuse_beside_again(common.typed)
        plan = plan_of(common, again, plan)
    if print_config:
        common.emit(plan.text(stages(plan)))
        return
    if "max_calls" not in common.typed and plan.simulated is not None:
        plan = replace(plan, max_calls=SIMULATED_MAX_CALLS)
    if dry_run:
        form, expected = common.one_of("text", "json"), forecast(plan)
        common.emit(text(expected) if form == "text" else to_json(expected))
        raise typer.Exit(expected.exit_code)
    common.one_of(*FORMATS)  # before the load, not after it
    screen = Screen(sys.stderr, quiet=common.quiet, no_color=common.no_color)
    outcome = play(plan, screen) if plan.simulated is None else play_simulated(plan, screen)
    if not outcome.stored_here:
        common.warn(f"{collector} has the run; judge it there: ovl analyze {outcome.run_id}")
        unjudged = ExitCode.INCONCLUSIVE if promised else ExitCode.OK
        unjudged = ExitCode.FAILED if outcome.broken else unjudged
        raise typer.Exit(outcome.interrupted or unjudged)
    built = conclude(common, outcome.run_id, page, outcome.interrupted)
    if plan.again is not None:
        beside(common, plan.again.run_id, built)
    judged = exit_code(built)
    if outcome.broken and built["run"]["validity"] != "inconclusive":
        judged = ExitCode.FAILED  # it was sure when it was aborted; the last turns do not unmake it
    raise typer.Exit(outcome.interrupted or judged)
