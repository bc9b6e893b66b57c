"""Variables named ``OVL_...``: each sets an option of some verb, or the command is refused.

A misspelt threshold that is never checked is worse than none, whether it was misspelt in a file or
in the environment. Which options other verbs have is looked up only when a variable is none of the
verb's own: that imports all of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from otel_voiceload.errors import UsageError

PREFIX: Final = "OVL_"
# Read by the collector's own process, where `ovl collect` has no option for it; by the transports.
READ_ELSEWHERE: Final = frozenset(
    PREFIX + name
    for name in (
        "MAX_BODY_MIB",
        "SEGMENT_ITEMS",
        "SEGMENT_MIB",
        "SEGMENT_AGE_S",
        "SELF_WATCH_S",
        "WEBSOCKETS",
    )
)


def refuse_unknown(
    environ: Mapping[str, str],
    own: Iterable[str],
    of_all: Callable[[], Iterable[str]],
    words: str,
) -> None:
    """Raises UsageError for a variable that sets no option.

    ``own`` are the variables of the verb, ``of_all`` gives those of every verb. One that ``words``
    (the command line, the file's values) name as ``env:NAME`` holds somebody's secret.
    """
    ours = [name for name in environ if name.startswith(PREFIX)]
    said = " ".join([words, *(environ[name] for name in ours)])
    unknown = {name for name in ours if f"env:{name}" not in said} - READ_ELSEWHERE - set(own)
    if not unknown:
        return
    known = READ_ELSEWHERE | set(of_all())
    for name in sorted(unknown - known):
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else "unset it, or give it another name"
        raise UsageError(f"{name} is set in the environment and no option has that name: {hint}")
