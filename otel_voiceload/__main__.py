"""``python -m otel_voiceload`` is ``ovl``, for where the script is not on the path."""

from otel_voiceload.cli.main import script

script()
