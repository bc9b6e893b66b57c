"""Documents that lag behind the code fail here, with the name of what they lack."""

from __future__ import annotations

import ast
import asyncio
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from websockets.asyncio.server import serve

from otel_voiceload import conventions
from otel_voiceload.analysis.thresholds import DEFAULTS_TEXT, METRICS
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import Edge, Scenario, Utterance, bundled, load_scenario
from otel_voiceload.capacity.config import AgentConfig, ComponentConfig, load_agent_config
from otel_voiceload.capacity.faults import FAULT_NAMES, Fault
from otel_voiceload.cli.config_file import read_config, thresholds_of
from otel_voiceload.errors import ExitCode
from otel_voiceload.events import AudioHeard, TimingHeard, WireEvent
from otel_voiceload.profiles import Request, make, planned
from otel_voiceload.store.catalogue import PUBLIC_VIEWS, catalogue, view_files
from otel_voiceload.transports import plain
from tools import build_docs

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("collector/*.md")]
)
LINK = re.compile(r"(?:\]\(|src=\"|srcset=\")([^)\"\s]+)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table_rows(text: str) -> list[list[str]]:
    """Cells of every table row, without the rows of dashes."""
    rows = [
        line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")
    ]
    return [[cell.strip() for cell in row] for row in rows if set(row[0]) - set("- ")]


def example(name: str, marker: str) -> str:
    """The fenced block that follows ``<!-- marker -->``, without its fences."""
    block = text_of(name).split(f"<!-- {marker} -->")[1].split("```")[1]
    return block.partition("\n")[2]


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", build_docs.GENERATED)
def test_generated_documents_are_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")

    assert written == build_docs.GENERATED[name](), f"docs/{name} lags behind: run make docs"


def test_every_named_query_is_listed() -> None:
    listed = re.findall(r"^## (\S+)$", text_of("docs/queries.md"), re.MULTILINE)

    assert listed == list(catalogue())


def test_every_public_view_exists() -> None:
    assert set(PUBLIC_VIEWS) - {path.stem for path in view_files()} == set()


def test_exit_codes_are_those_of_the_errors_module() -> None:
    rows = table_rows(text_of("docs/exit-codes.md"))[1:]

    assert {(row[0], row[1].strip("`")) for row in rows} == {
        (str(code.value), code.name) for code in ExitCode
    }


def test_the_readme_lists_every_exit_code() -> None:
    shown = re.findall(r"^\| ([\d, ]+) \|", text_of("README.md"), re.MULTILINE)

    assert {int(code) for cell in shown for code in cell.split(",")} == set(ExitCode)


def published_names() -> set[str]:
    """Names and values of ``conventions`` that leave the process."""
    found: set[str] = set()
    for name, value in vars(conventions).items():
        if name.isupper() and isinstance(value, str):
            found.add(value)
        elif name.isupper() and isinstance(value, tuple):
            found |= set(value)
    return found - {conventions.SERVICE_COLLECTOR}


def test_every_span_and_attribute_is_described() -> None:
    text = text_of("docs/spans.md")
    tree = set(re.findall(r"[\w.]+", text.split("```")[1]))
    quoted = {
        word for span in re.findall(r"`([^`\n]+)`", text) for word in [span, *span.split("=")]
    }
    shown = tree | quoted | {name.removesuffix("*") for name in quoted}

    assert published_names() - shown == set()


def test_no_attribute_is_described_that_does_not_exist() -> None:
    described = set(re.findall(r"`(voiceload\.[\w.]+)`", text_of("docs/spans.md")))
    known = published_names()

    metrics = (conventions.METRIC_GENERATOR, conventions.METRIC_RESOURCE)
    assert {name for name in described - known if not name.startswith(metrics)} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_resolve(document: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = document.parent / path if path else document
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)

    assert broken == []


def test_every_room_stands_in_the_folder_map() -> None:
    text = text_of("ARCHITECTURE.md")
    rooms = {path.parent.name for path in (ROOT / "otel_voiceload").glob("*/__init__.py")}

    assert {room for room in rooms if f"`otel_voiceload/{room}/`" not in text} == set()


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    used = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"(?:\$ |`)make ([a-z]+)", document.read_text(encoding="utf-8"))
    }

    assert used - targets == set()


def test_every_ovl_verb_in_the_documents_exists() -> None:
    verbs = {verb.name for verb in build_docs.cli.VERBS}
    used = {
        (document.name, verb)
        for document in DOCUMENTS
        for verb in re.findall(r"(?:\$ |`|bin/)ovl ([a-z]+)", document.read_text(encoding="utf-8"))
    }

    assert {(where, verb) for where, verb in used if verb not in verbs} == set()


def test_the_options_in_the_documents_exist() -> None:
    known = set(re.findall(r"`(--?[a-z][a-z-]*)`", text_of("docs/cli.md"))) | {"--help"}
    used = {
        (document.name, option)
        for document in DOCUMENTS
        for line in re.findall(r"(?:\$ |`)[^`\n]*\bovl [a-z][^`\n]*", document.read_text("utf-8"))
        for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", line)
    }

    assert {(where, option) for where, option in used if option not in known} == set()


def test_the_agent_of_the_tutorial_answers_a_call() -> None:
    tree = ast.parse(example("docs/getting-started.md", "agent.py"))
    tree.body.pop()  # the line that runs it on a port of its own
    agent: dict[str, object] = {}
    exec(compile(tree, "agent.py", "exec"), agent)
    pack = ClipPack.load(PCM16_16K)
    clip = pack.callers("open")[0]
    frames = [clip.frame(i) for i in range(clip.n_frames)] + [pack.idle_frame(i) for i in range(25)]

    async def play() -> list[WireEvent]:
        heard: list[WireEvent] = []
        answered = asyncio.Event()

        def sink(event: WireEvent) -> None:
            heard.append(event)
            if isinstance(event, AudioHeard):
                answered.set()

        async with serve(agent["call"], "127.0.0.1", 0) as server:  # type: ignore[arg-type]
            port = server.sockets[0].getsockname()[1]
            wire = await plain.open_call(plain.Options(url=f"ws://127.0.0.1:{port}"), sink)
            wire.start("0" * 32, None, {})
            for frame in frames:
                wire.send(frame)
            async with asyncio.timeout(60):
                await answered.wait()
            await wire.close()
        return heard

    timing, audio = asyncio.run(play())[:2]

    assert isinstance(timing, TimingHeard)
    assert (timing.component, timing.status) == ("llm", "ok")
    assert isinstance(audio, AudioHeard)
    assert PCM16_16K.duration_ns(len(audio.data)) == 1_000_000_000


def test_the_agent_of_the_tutorial_is_as_short_as_promised() -> None:
    source = example("docs/getting-started.md", "agent.py")

    assert len([line for line in source.splitlines() if line.strip()]) <= 30


def test_the_scenario_of_the_document_loads(tmp_path: Path) -> None:
    file = tmp_path / "reschedule.yaml"
    file.write_text(example("docs/scenarios.md", "scenario"), encoding="utf-8")

    scenario = load_scenario(file)

    assert scenario.turn_cycle(ClipPack.load(PCM16_16K)).speech_s > 0


def test_every_bundled_scenario_is_named() -> None:
    text = text_of("docs/scenarios.md")

    assert [name for name in bundled() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("model", [Scenario, Utterance, Edge])
def test_every_field_of_a_scenario_is_described(model: type[BaseModel]) -> None:
    described = set(re.findall(r"`([\w.]+)`", text_of("docs/scenarios.md")))
    described |= {name.partition(".")[0] for name in described}

    assert set(model.model_fields) - described - {"nodes", "go"} == set()


def test_the_agent_file_of_the_document_loads(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text(example("docs/reference-agent.md", "agent.yaml"), encoding="utf-8")

    config = load_agent_config(file)

    assert config.components.llm.capacity == 8


@pytest.mark.parametrize("model", [AgentConfig, ComponentConfig])
def test_every_field_of_the_agent_is_described(model: type[BaseModel]) -> None:
    described = set(re.findall(r"`(\w+)`", text_of("docs/reference-agent.md")))

    assert set(model.model_fields) - described - {"components"} == set()


def test_every_fault_is_described_with_its_parameters() -> None:
    rows = table_rows(text_of("docs/reference-agent.md"))
    parameters = {row[0].strip("`"): row[2] for row in rows if len(row) == 3}
    faults = get_args(get_args(Fault)[0])

    shown = {name: set(re.findall(r"`(\w+)`", parameters.get(name, ""))) for name in FAULT_NAMES}

    assert shown == {
        fault.model_fields["name"].default: set(fault.model_fields) - {"name"} for fault in faults
    }


def test_every_metric_of_a_threshold_is_described() -> None:
    rows = table_rows(text_of("docs/configuration.md"))
    described = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[0])}

    assert set(METRICS) - described == set()


def test_the_default_thresholds_are_those_of_the_method() -> None:
    rows = table_rows(text_of("docs/configuration.md").split("never set the exit code")[1])[1:]

    assert {row[0].strip("`"): tuple(re.findall(r"`([^`]+)`", row[1])) for row in rows} == dict(
        DEFAULTS_TEXT
    )


def test_the_configuration_of_the_document_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ovl.yaml"
    file.write_text(example("docs/configuration.md", "ovl.yaml"), encoding="utf-8")

    assert thresholds_of(read_config(file), file) == {
        "turn_latency": ("p95<2s", "p99<4s"),
        "call_completion": ("rate>95%",),
    }


def test_the_example_of_a_profile_is_one_that_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(example("docs/phases.md", "profile"), encoding="utf-8")
    profile = make(str(path), Request())
    assert profile.problems() == []
    assert {stage.phase for stage in planned(profile)} == {"warm-up", "search", "rush", "night"}
