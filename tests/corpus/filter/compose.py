"""How the composed half of the corpus was made: written words under every disguise, in carrier sentences; and
innocent sentences put together from parts. Run once; the lines are committed, and were not made again to fit
the rules. `python tests/corpus/filter/compose.py` prints what is in the files."""

import itertools
import random
import sys
import unicodedata
import zlib
from pathlib import Path

HERE = Path(__file__).parent
PARTS = {
    name: parts.split("|")
    for name, parts in (line.split(": ", 1) for line in (HERE / "parts.txt").read_text("utf-8").splitlines())
}
CARRIERS_KO = ["{}", "아 {}", "{} 진짜", "야 {}", "이게 뭐야 {}", "{} ㅋㅋㅋ", "방송 왜 이래 {}", "{} 못하네"]
CARRIERS_EN = [
    "{}",
    "you {}",
    "what a {}",
    "{} this game",
    "{}!!",
    "lol {}",
    "this streamer is a {}",
    "so {}",
]
LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
TAILS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
_TYPED = "r R s e E f a q Q t T d w W c z x v g k o i O j p u P h hk ho hl y n nj np nl b m ml l"
KEYS = dict(zip(LEADS + VOWELS, _TYPED.split(" "), strict=True))
LEET = str.maketrans({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"})
CYRILLIC = str.maketrans("aeopcyx", "аеорсух")


def jamo(word: str) -> str:
    out = ""
    for letter in word:
        lead, rest = divmod(ord(letter) - 0xAC00, 588)
        out += LEADS[lead] + VOWELS[rest // 28] + TAILS[rest % 28]
    return out


def first_jamo(word: str) -> str:
    return jamo(word[0]) + word[1:]


def typed(word: str) -> str:
    return "".join(KEYS.get(part, "") for part in jamo(word))


def stretched(word: str) -> str:
    lead, rest = divmod(ord(word[0]) - 0xAC00, 588)
    vowel = rest // 28
    more = chr(0xAC00 + 11 * 588 + vowel * 28)
    tail = rest % 28
    return chr(0xAC00 + lead * 588 + vowel * 28) + chr(ord(more) + tail) + word[1:]


DISGUISES_KO = {
    "jamo": jamo,
    "jamo with dots": lambda word: ".".join(jamo(word)),
    "first syllable in jamo": first_jamo,
    "spaces": " ".join,
    "dots": ".".join,
    "digit": lambda word: word[0] + "1" + word[1:],
    "zero width": "\u200b".join,
    "symbol": lambda word: word[0] + "♥" + word[1:],
    "typed": typed,
    "decomposed": lambda word: unicodedata.normalize("NFD", word),
    "stretched": stretched,
    "plain": str,
}
DISGUISES_EN = {
    "leet": lambda word: word.translate(LEET),
    "spaces": " ".join,
    "dots": ".".join,
    "dashes": "-".join,
    "capitals": str.upper,
    "full width": lambda word: "".join(chr(ord(letter) + 0xFEE0) for letter in word),
    "mathematical": lambda word: "".join(chr(0x1D41A + ord(letter) - 97) for letter in word),
    "cyrillic": lambda word: word.translate(CYRILLIC),
    "stretched": lambda word: word[:-1] + word[-1] * 4,
    "zero width": "\u200b".join,
    "veiled": lambda word: word[0] + "*" + word[2:],
    "accents": lambda word: "".join(letter + "\u0301" if letter in "aeiou" else letter for letter in word),
    "plain": str,
}


def evasions() -> list[str]:
    rng = random.Random(20261122)
    lines = []
    for words, disguises, carriers in (
        (PARTS["KOREAN"], DISGUISES_KO, CARRIERS_KO),
        (PARTS["ENGLISH"], DISGUISES_EN, CARRIERS_EN),
    ):
        for word, disguise in itertools.product(words, disguises.values()):
            lines.append(rng.choice(carriers).format(disguise(word)))
    return lines


def innocents() -> list[str]:
    rng = random.Random(20261123)
    korean = [f"{who} {what}" for who, what in itertools.product(PARTS["WHO"], PARTS["WHAT"])]
    english = [f"{who} {what}" for who, what in itertools.product(PARTS["WHO_EN"], PARTS["WHAT_EN"])]
    rng.shuffle(korean)
    rng.shuffle(english)
    emoji = ["", "", "", " ㅋㅋ", " ㅎㅎ", " 👍", "!!", " ♥", " ㅠㅠ", "~"]
    times = [
        f"{n}{what}"
        for n in range(1, 61)
        for what in ("시 시작인가요", "년 만에 봐요", "점 차이네", "분 남았다", "번째 도전")
    ]
    nicks = [
        f"{who}님 {what}"
        for who in ("민수", "유나", "해시", "다시", "도시")
        for what in (
            "안녕하세요",
            "발음 좋네요",
            "반가워요",
            "잘 보고 있어요",
            "생일 축하해요",
            "어디 가세요",
            "벌써 갔어요?",
            "파이팅",
        )
    ]
    lines = [line + rng.choice(emoji) for line in (*korean, *english, *times, *nicks)]
    return list(dict.fromkeys(lines))


def written(name: str) -> list[str]:
    return [line for line in (HERE / name).read_text("utf-8").splitlines() if line]


def measured(line: str) -> bool:
    """Whether a line belongs to the half that rules were not tuned on."""
    return zlib.crc32(line.encode()) % 2 == 1


if __name__ == "__main__":
    made = evasions() if sys.argv[1] == "evasions" else innocents()
    sys.stdout.write("\n".join(dict.fromkeys(made)) + "\n")
