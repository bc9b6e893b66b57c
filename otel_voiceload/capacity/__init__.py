"""Capacity: what a limited component does with requests, and where that limit bends a turn.

Pure: time enters as an argument and randomness is a hash of names, so the live reference agent and
the simulator in virtual time run the very same code and give the same answer for the same input.
"""
