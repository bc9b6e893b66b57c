"""Starts what a run needs and keeps it going: collector, workers, telemetry, the target of a demo.

The one room that knows processes. Everything it starts is a child that ends with it, in order when
there is time and at once when there is not.
"""
