"""Simulated callers: what they say, when they say it, and what they hear, without any I/O.

Time comes in as an argument and what to do comes out as values, so a whole call can be played as a
table in a test, and the same code runs in the pacing loop of a thousand calls.
"""
