"""The reference agent: a voice agent whose limits are known, behind the serving ends of the wires.

It hears, recognises, thinks in ``capacity`` and speaks in real time, so that a load test can be
held against a target whose truth is written in a file.
"""
