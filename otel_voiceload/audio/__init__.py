"""Sound: encodings and 20 ms frames, G.711, resampling, hearing where a voice starts and ends, and
the bundled clips that callers and the reference agent speak with.

Nothing here opens a socket, reads a clock or draws without a seed: sound and playout times enter as
arguments, so every measure of the product can be tested against clips whose speech positions are
known to the sample.
"""
