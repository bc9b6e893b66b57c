"""From records to OTLP: ids and context, spans, metrics, and the one process that exports them.

The pacing processes neither encode nor export. They hand finished records over a pipe; here they
become spans with explicit times, and every one of them ends up acknowledged or counted as a named
loss.
"""
