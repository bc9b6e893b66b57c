"""Holding calls: how many to start and when, one call on its wire, the worker process around many.

Pacing is pure. A worker owns one event loop, one frame ticker and its share of the calls; it keeps
watch over its own lateness, because a generator that is late measures itself.
"""
