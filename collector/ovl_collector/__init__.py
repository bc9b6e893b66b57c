"""An OTLP receiver that acknowledges a span only once DuckDB has committed it.

Knows nothing of load tests: it stores what OTLP carries. ``docs/store.md`` describes what it
writes.
"""

__version__ = "0.1.0"
