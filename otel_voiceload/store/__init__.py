"""The reading side of the store: which recordings there are, attach them, run named queries.

Only the collector writes. This room opens sealed segment files read-only in an in-memory DuckDB,
so a reader never stands in the writer's way and nothing that was recorded can be changed by it.
"""
