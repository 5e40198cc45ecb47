"""The sound of a film: a quiet chord and a breath of wind, the same for the same seed."""

import math
import random
from array import array
from typing import Any

import av

RATE = 48_000
CHORDS = ((110, 165, 220, 277), (98, 147, 196, 247), (123, 185, 247, 294), (104, 156, 208, 262))
BIT_RATE = 64_000


class Humming:
    """The audio track of one film, written a second at a time."""

    def __init__(self, output: Any, codec: str, seed: int) -> None:
        self._output = output
        self._stream = output.add_stream(codec, rate=RATE, layout="mono")
        self._stream.bit_rate = BIT_RATE
        self._loop = _loop(random.Random(seed))

    def second(self, number: int, of: int) -> None:
        """Write one second; the first swells and the last fades."""
        samples = self._loop
        if number in (0, of - 1):
            samples = array("h", samples)
            for place in range(len(samples)):
                share = place / len(samples)
                swell = min(1.0, share * 3) if number == 0 else 1.0
                fade = min(1.0, (1 - share) * 3) if number == of - 1 else 1.0
                samples[place] = int(samples[place] * swell * fade)
        if number == of - 1:
            # The encoder rounds up to whole packets, and the film must not outlast its pictures.
            samples = samples[: len(samples) - 4800]
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts = RATE, number * RATE
        self._output.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._output.mux(self._stream.encode(None))


def _loop(chance: random.Random) -> "array[int]":
    """One second that can follow itself: every tone swings whole times in it."""
    chord = chance.choice(CHORDS)
    table = [math.sin(2 * math.pi * place / RATE) for place in range(RATE)]
    waves = [[table[place * tone % RATE] for place in range(RATE)] for tone in chord]
    wind, level = [], 0.0
    for byte in chance.randbytes(RATE):
        level += ((byte - 127.5) / 127.5 - level) * 0.03
        wind.append(level)
    samples = array("h")
    for place in range(RATE):
        seam = min(1.0, place / 2400, (RATE - place) / 2400)
        tone_sum = sum(wave[place] for wave in waves)
        samples.append(int(1100 * tone_sum + 5200 * wind[place] * seam))
    return samples
