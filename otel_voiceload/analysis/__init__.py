"""The analysis: numbers in, findings out. No SQL, no files, no clock.

Where one room decides what a run means, the rest can stay simple: the store counts, the renderers
speak, and every judgement in between is a pure function that a test can hold to a known truth.
"""
