"""Load testing voice AI agents, with OpenTelemetry at the centre.

Public are the command line, the JSON report, the store's views, and the names of spans and
attributes. The modules are private and may move.
"""

__version__ = "0.1.0"
