"""``ovl import``: traces that somebody else's collector recorded, into the store."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer

from otel_voiceload.cli.options import Common, verb_app, with_common
from otel_voiceload.errors import ExitCode
from otel_voiceload.runner.importing import SHOWN, Imported, import_file

app = verb_app()


@app.command("import")
@with_common
def import_(
    common: Common,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - reads stdin.")],
    tag: Annotated[str, typer.Option("--tag", help="A name for the run that it becomes.")] = "",
) -> None:
    """Store a file of traces, so that they can be analysed: OTLP JSON or protobuf, also gzipped.

    Spans that name a run (`voiceload.run.id`) go to that run, and those that carry a call's trace
    id to that call's. A file that names none becomes a run of its own, under an id that follows
    from its content: the same file twice is stored once, and one that has grown since goes on with
    its run. What can not be read is named with its
    place, and the rest is stored; the exit code is then 4.
    """
    form = common.one_of("text", "json")
    result = import_file(file, common.store, tag, sys.stdin.buffer, common.warn)
    common.emit(_json(result) if form == "json" else _text(result))
    if tag and result.run_id is None:
        common.warn(f"no run is called {tag} now: the file made none of its own")
    if result.lost:
        raise typer.Exit(ExitCode.INCONCLUSIVE)


def _text(result: Imported) -> str:
    if result.known:
        where = f"as run {result.run_id}" if result.run_id else f"in {_in_runs(result)}"
        what = f"all that can be read of {result.name}" if result.lost else result.name
        said = f"{what} is in the store already, {where}; nothing was stored"
        return "\n".join([said, *_tagged(result), *_left_out(result)])
    rate = result.spans / result.seconds if result.seconds else 0.0
    more = f" and {result.metrics:,} metrics" if result.metrics else ""
    lines = [
        f"{result.name}: {result.spans:,} spans{more} in {result.requests:,} requests, "
        f"{result.seconds:.1f} s ({rate:,.0f} spans/s)"
    ]
    for joined in result.joined:
        run = f"run {joined.run_id}, by {joined.joined_by}" if joined.run_id else "no run"
        lines.append(f"  {joined.spans:,} spans of {joined.traces:,} traces belong to {run}")
    if result.taken_nothing:
        lines.append("  nothing of it was taken, and no run was made")
    elif result.run_id is None and not result.content.names_run:
        why = f"all of it is in {_in_runs(result)}" if _runs(result) else "metrics alone make none"
        lines.append(f"  the file made no run of its own: {why}")
    if result.earlier:
        lines.append(f"  the file goes on with run {result.run_id} of an earlier import")
        lines += _tagged(result)
    for why, count in result.lost_before.items():
        lines.append(f"  still counted against that run: {count:,} {why} of the earlier import")
    lines += _left_out(result)
    lines += [f"next: ovl doctor {run}; ovl analyze {run}" for run in _runs(result)[:3]]
    return "\n".join(lines)


def _runs(result: Imported) -> list[str]:
    return list(dict.fromkeys(joined.run_id for joined in result.joined if joined.run_id))


def _in_runs(result: Imported) -> str:
    runs = _runs(result)
    return f"{'runs' if len(runs) > 1 else 'run'} {', '.join(runs)}" if runs else "no run"


def _tagged(result: Imported) -> list[str]:
    return [f"  that run is now {result.also_tagged} as well"] if result.also_tagged else []


def _left_out(result: Imported) -> list[str]:
    lines = [f"  {count:,} spans rejected: {why}" for why, count in result.rejected.items()]
    for kind, count in result.broken.items():
        what = (
            "pieces could not be read" if kind == "unreadable" else f"requests of {kind} left out"
        )
        lines.append(f"  {count:,} {what}")
    if sum(result.broken.values()) > SHOWN:
        lines.append(f"  only the first {SHOWN} of them were named")
    return lines


def _json(result: Imported) -> str:
    found = {
        "file": result.name,
        "digest": result.content.digest,
        "run_id": result.run_id,
        "known": result.known,
        "goes_on": result.earlier is not None,
        "lost_before": result.lost_before,
        "requests": result.requests,
        "spans": result.spans,
        "metrics": result.metrics,
        "rejected": dict(result.rejected),
        "left_out": dict(result.broken),
        "first_left_out": [
            {"where": broken.where, "why": broken.why} for broken in result.first_broken
        ],
        "joined": [
            {"run_id": j.run_id, "joined_by": j.joined_by, "spans": j.spans, "traces": j.traces}
            for j in result.joined
        ],
        "seconds": result.seconds,
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
