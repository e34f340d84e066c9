import sys
import time


class Bar:
    """A line that is rewritten, in a terminal and in a notebook: ``progress=True``."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, fraction: float) -> None:
        if sys.stderr.isatty() or "ipykernel" in sys.modules:
            filled = "█" * int(30 * fraction)
            print(f"\r{fraction:4.0%} {filled:30} {time.monotonic() - self._begun:.0f} s", end="", file=sys.stderr, flush=True)
            if fraction >= 1:
                print(file=sys.stderr)
