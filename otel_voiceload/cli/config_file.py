"""The configuration file: defaults for options, and thresholds.

Common options stand at its top, a verb's options under the verb's name:

    store: /var/lib/ovl
    generate: {calls: 20, duration: 10m}
    thresholds: {turn_latency: [p95<2s]}

YAML is imported only when there is a file to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from otel_voiceload.errors import ConfigError

# A verb that looks at what another will do goes by that one's words where it has none of its own.
PREPARES: Final[Mapping[str, tuple[str, ...]]] = {"check": ("generate", "plan")}


def read_config(path: Path) -> dict[str, Any]:
    """A configuration file as a mapping; Any because YAML says nothing of its types.

    Raises ConfigError when it is not there, not YAML, or not a mapping.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"can not read {path}: {error.strerror or error}; give another file with --config"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "the file"
        why = getattr(error, "problem", None) or "not text"
        raise ConfigError(f"{path} is not YAML: {why} in {where}; correct it") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(f"{path} should hold `option: value` lines; it holds something else")
    return content


def defaults_for(
    verb: str,
    options: frozenset[str],
    common: frozenset[str],
    verbs: frozenset[str],
    content: Mapping[str, Any],
    path: Path,
) -> dict[str, Any]:
    """The defaults that a configuration file gives to one verb, by parameter name.

    ``options`` are those of this verb, ``common`` those that every verb has.

    Other verbs' sections are not looked into; a name that nobody knows is an error, since a
    misspelt threshold that is never checked is worse than none.
    """
    defaults: dict[str, Any] = {}
    for other in PREPARES.get(verb, ()):
        defaults |= _options_of(content.get(other), options - common)
    for key, value in content.items():
        name = key.replace("-", "_")
        if name in common:
            defaults[name] = value
        elif key != "thresholds" and key not in verbs:
            known = ", ".join(sorted({"thresholds", *common}))
            raise ConfigError(
                f"{path}: nothing is called {key!r}; at the top stand {known}, or a verb's name"
            )
    section = content.get(verb) or {}
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {verb} should hold `option: value` lines")
    for key, value in section.items():
        name = str(key).replace("-", "_")
        if name not in options:
            raise ConfigError(f"{path}: `ovl {verb}` has no option {key!r}; see ovl {verb} --help")
        defaults[name] = value
    return defaults


def _options_of(section: object, options: frozenset[str]) -> dict[str, Any]:
    """What another verb's section says of options that this verb has too."""
    if not isinstance(section, dict):
        return {}
    written = {str(key).replace("-", "_"): value for key, value in section.items()}
    return {name: value for name, value in written.items() if name in options}


def thresholds_of(content: Mapping[str, Any], path: Path) -> dict[str, tuple[str, ...]]:
    """``thresholds`` of a configuration file: metric -> expressions, or a single one."""
    written = content.get("thresholds") or {}
    if not isinstance(written, dict):
        raise ConfigError(f"{path}: thresholds should map a metric to a list such as [p95<2s]")
    found: dict[str, tuple[str, ...]] = {}
    for metric, expressions in written.items():
        listed = expressions if isinstance(expressions, list) else [expressions]
        if not all(isinstance(expression, str) for expression in listed):
            raise ConfigError(f"{path}: thresholds of {metric} should be text such as p95<2s")
        found[str(metric)] = tuple(listed)
    return found
