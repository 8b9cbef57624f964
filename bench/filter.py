"""The word filter: CPU microseconds a message, at 40 code points and at 500. `python -m bench.filter`."""

import gc
import itertools
import random
import statistics
import time
from pathlib import Path

from madang.chat.filter import Filter, Rules, compile_rules

CORPUS = Path(__file__).parents[1] / "tests" / "corpus" / "filter"
ROUNDS = 5
FLOODS = ("ㅅ1ㅂ" * 170, "시1발" * 170, "시발역!" * 128, "fuck" * 128, "f*ck " * 100)
"""The dearest texts that are known: nothing but words, disguised or innocent."""


def messages(letters: int) -> list[str]:
    """The corpus at so many code points a message: mostly innocent, a third of that with words that nearly
    are listed ones, and one line in twenty a curse."""
    innocent = sorted(
        line
        for name in ("innocent.written.txt", "innocent.composed.txt")
        for line in (CORPUS / name).read_text("utf-8").splitlines()
    )
    random.Random(1).shuffle(innocent)
    cursing = itertools.cycle((CORPUS / "evasions.written.txt").read_text("utf-8").splitlines())
    texts, text = [], ""
    for place, line in enumerate(innocent):
        text += f"{next(cursing) if place % 20 == 0 else line} "
        if len(text) >= letters:
            texts.append(text[:letters])
            text = ""
    return texts


def microseconds(filter_: Filter, texts: list[str]) -> float:
    """Mean CPU time of one check, the median of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for text in texts:
            filter_.check(text)
        rounds.append((time.process_time() - begun) / len(texts) * 1e6)
    return statistics.median(rounds)


def main() -> None:
    begun = time.process_time()
    filter_ = compile_rules(Rules())
    gc.collect()
    gc.freeze()  # as the server does after its start
    print(f"compiled in {time.process_time() - begun:.2f} s of CPU")
    for letters, bar in ((40, 100), (500, 1000)):
        texts = messages(letters)
        print(f"{letters} code points: {microseconds(filter_, texts):.0f} µs a message (at most {bar})")
    dearest = max(microseconds(filter_, [flood]) for flood in FLOODS)
    print(f"the dearest flood of words: {dearest / 1000:.1f} ms")


if __name__ == "__main__":
    main()
