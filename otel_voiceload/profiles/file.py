"""A profile in a YAML file: phases one after the other, each a profile of ours or stages.

    phases:
      - {name: warm-up, stages: ["1m:10", "hold:2m:10"]}
      - {name: search, profile: ramp, calls: 60}
      - {name: rush, calls: 5, stages: ["hold:1m:1x", "hold:30s:5x", "hold:1m:1x"], at_once: true}
      - {name: soak, stages: ["hold:2h:80%"]}

What can be wrong with a file is said with its line and field before anything is started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from otel_voiceload.capacity.fields import Seconds
from otel_voiceload.errors import CeilingUnknown, ConfigError, UsageError
from otel_voiceload.model import Arrivals, Stage
from otel_voiceload.profiles import (
    Ceiling,
    Findings,
    Profile,
    Request,
    StopReason,
    custom,
    load,
    sequence,
)

PROFILES = ("baseline", "ramp", "spike", "soak", "scale")
CLIMBING = ("ramp", "scale")


def _stage_text(text: str) -> str:
    """Read here already, so that a wrong one is told with its line."""
    try:
        custom.parse_stage(text)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return text


class Phase(BaseModel):
    """One phase. ``calls`` is what the profile takes, or what ``5x`` in the stages refers to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=60)]
    profile: Literal["baseline", "ramp", "spike", "soak", "scale"] | None = None
    stages: tuple[Annotated[str, AfterValidator(_stage_text)], ...] = ()
    calls: Annotated[int, Field(ge=1)] | None = None
    duration: Seconds | None = None
    rate: Annotated[float, Field(gt=0)] | None = None
    arrivals: Arrivals = "poisson"
    until_knee: bool = False
    at_once: bool = False

    @model_validator(mode="after")
    def _one_kind_of_load(self) -> Phase:
        if self.profile is not None and (self.stages or self.rate is not None):
            raise ValueError("a phase has a profile, or stages, or a rate: not two of them")
        if self.at_once and not self.stages:
            raise ValueError("at_once is for stages that jump up")
        loads = [custom.parse_stage(text)[2] for text in self.stages]
        steady = next((load for load in loads if load.of == "steady"), None)
        if steady is not None and self.calls is None:
            raise ValueError(f"a stage of {steady} is {steady.value:g} times calls; give calls")
        if not (self.profile or self.stages or self.rate or self.calls):
            raise ValueError("it asks for no load: give a profile, stages, a rate or calls")
        return self

    @property
    def relative(self) -> bool:
        """Whether its load follows from a measured ceiling."""
        by_share = any(text.rstrip().endswith("%") for text in self.stages)
        return by_share or (self.profile in ("spike", "soak") and self.calls is None)


class File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> File:
        names = [phase.name for phase in self.phases]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two phases are called {twice[0]!r}; thresholds could not tell which")
        return self


@dataclass(frozen=True, slots=True)
class Options:
    """A file and what the command line said beside it."""

    phases: tuple[Phase, ...]
    request: Request

    name: ClassVar[str] = "file"
    seeks_limit: ClassVar[bool] = False

    @property
    def peak_calls(self) -> int:
        return max(made.peak_calls for made in self._all())

    def problems(self) -> list[str]:
        pairs = zip(self.phases, self._all(), strict=True)
        found = [f"phase {p.name}: {text}" for p, made in pairs for text in made.problems()]
        kinds = {any(stage.arrivals for stage in _stages(made)) for made in self._all()}
        if len(kinds) > 1:
            found.append("phases hold calls or begin them at a rate; one run is either of them")
        return found

    def needs_measure(self, findings: Findings) -> bool:
        return self._sequence.needs_measure(findings)

    def next_stages(self, findings: Findings) -> tuple[Stage, ...] | None:
        return self._sequence.next_stages(findings)

    def stop_reason(self, findings: Findings) -> StopReason:
        return self._sequence.stop_reason(findings)

    @property
    def _sequence(self) -> sequence.Sequence:
        return sequence.Sequence(
            tuple(
                sequence.Part(
                    phase.name,
                    self._maker(phase),
                    climbs=phase.profile in CLIMBING,
                    relative=phase.relative,
                )
                for phase in self.phases
            )
        )

    def _maker(self, phase: Phase) -> Callable[[Findings], Profile]:
        return lambda findings: self._make(
            phase, sequence.ceiling_of(findings, self.request.ceiling)
        )

    def made(self, phase: Phase) -> Profile:
        """A phase as it would be if a ceiling that is still to be measured were the cap.

        Raises:
            UsageError: its fields ask for what can not be.
        """
        top = Ceiling(float(self.request.max_calls), "not measured yet")
        return self._make(phase, self.request.ceiling or top)

    def _all(self) -> list[Profile]:
        return [self.made(phase) for phase in self.phases]

    def _make(self, phase: Phase, ceiling: Ceiling) -> Profile:
        request = replace(
            self.request,
            calls=phase.calls,
            duration_s=phase.duration,
            stages=phase.stages,
            rate_per_s=phase.rate,
            arrivals=phase.arrivals,
            until_knee=phase.until_knee,
            ceiling=ceiling,
        )
        if ceiling.calls is None and phase.profile in ("spike", "soak") and phase.calls is None:
            # Nothing could be measured: ten calls are what a baseline holds, a tenth for a spike.
            fallen_back = custom.NOT_MEASURED if phase.profile == "soak" else 1
            request = replace(request, calls=fallen_back)
        profile = load(phase.profile or "custom").of(request)
        if isinstance(profile, custom.Options) and phase.at_once:
            return replace(profile, stages=tuple(map(_jump, profile.stages)))
        return profile


def read(path: Path, request: Request) -> Options:
    """The profile of a file.

    Raises:
        ConfigError: it can not be read, or says what no profile is; with line and field.
        CeilingUnknown: a share of a ceiling comes before anything that measures one.
    """
    if request.stages or request.calls is not None or request.rate_per_s is not None:
        raise UsageError(f"{path} has its own stages; leave out --stage, --calls and --rate")
    if request.duration_s is not None or request.until_knee:
        raise UsageError(f"{path} has its own durations; leave out --duration and --until-knee")
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"can not read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "the file"
        why = getattr(error, "problem", None) or "not text"
        raise ConfigError(f"{path} is not YAML: {why} in {where}; correct it") from error
    try:
        phases = File.model_validate(content if content is not None else {}).phases
    except ValidationError as error:
        raise ConfigError(_told(path, error, tree)) from error
    _refuse_early_shares(path, phases, request)
    made = Options(phases, request)
    for place, phase in enumerate(phases):
        try:
            made.made(phase)
        except UsageError as error:
            line = _line(tree, ("phases", place))
            raise ConfigError(f"{path}, line {line}, phases.{place}: {error}") from None
    return made


def _refuse_early_shares(path: Path, phases: tuple[Phase, ...], request: Request) -> None:
    climbed = request.ceiling is not None
    for phase in phases:
        if phase.relative and not climbed:
            raise CeilingUnknown(
                f"{path}: phase {phase.name!r} needs a measured ceiling, and no phase before it"
                " climbs; put `profile: ramp` before it, or give calls"
            )
        climbed |= phase.profile in CLIMBING


def _told(path: Path, error: ValidationError, tree: yaml.Node | None) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    words = first["msg"].removeprefix("Value error, ")
    return f"{path}, line {_line(tree, first['loc'])}, {where}: {words}"


def _line(tree: yaml.Node | None, loc: Sequence[int | str]) -> int:
    """The line of a field, or of the nearest thing around it that is written there."""
    line = 1
    for part in loc:
        if isinstance(tree, yaml.MappingNode):
            pairs = [(key, value) for key, value in tree.value if key.value == part]
            if not pairs:
                break
            key, tree = pairs[0]
            line = key.start_mark.line + 1
        elif isinstance(tree, yaml.SequenceNode) and isinstance(part, int):
            tree = tree.value[part]
            line = tree.start_mark.line + 1
        else:
            break
    return line


def _stages(profile: Profile) -> tuple[Stage, ...]:
    return profile.stages if isinstance(profile, custom.Options) else ()


def _jump(stage: Stage) -> Stage:
    return replace(stage, at_once=stage.calls_from == stage.calls_to and not stage.arrivals)
