"""What the server says by a word, the pages say in a sentence: each word is looked up in the program, and has
to have its sentence in English and in Korean."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from madang.base.problem import TITLES
from madang.realtime import ports

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "madang"
WEB = ROOT / "web" / "src"
FIRST = ("Unauthenticated", "Forbidden", "Conflict", "Invalid", "Refused", "PeerError", "PaymentFault")
"""Refusals whose first argument is their word."""
WHOLE = {
    "NotFound": "not_found",
    "TooMany": "too_many",
    "Overloaded": "overloaded",
    "Unauthenticated": "sign_in",
    "Forbidden": "forbidden",
}
"""Refusals that have a word of their own."""


def _calls(*rooms: str) -> Iterator[tuple[str, list[str]]]:
    """Every call in these rooms: what is called, and its arguments as far as they are texts."""
    files = [file for room in rooms for file in [SRC / room, *(SRC / room).rglob("*.py")] if file.is_file()]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                yield name, [_text(each) for each in node.args]


def _texts(file: str) -> set[str]:
    """Every text in a file."""
    nodes = ast.walk(ast.parse((SRC / file).read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _text(node: ast.expr) -> str:
    """A text, or the beginning of one that is put together."""
    if isinstance(node, ast.IfExp):
        return _text(node.body)
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _problems() -> set[str]:
    """The types of all problems that a page can be answered with."""
    found = {TITLES[status].lower().replace(" ", "_") for status in (400, 404, 405)}
    doors = ("api", "control", "app/feed.py", "store/rows.py", "net/webrtc/signalling.py")
    for name, texts in _calls(*doors, "chat", "payments", "ingest/whip", "hub/registry.py", "protocols/sdp"):
        if name in ("ProblemError", "problem", "_problem"):
            found.add(texts[1] if len(texts) > 1 else "")
        elif name in FIRST and texts and texts[0]:
            found.add(f"payment_{texts[0]}" if name == "PaymentFault" else texts[0])
        elif name == "ReplyError" and len(texts) > 1:
            found.add(texts[1].partition(":")[0].replace(" ", "_"))
        elif name == "conflict" and texts:
            found.add(f"conflict.{texts[0]}")
        if name in WHOLE:
            found.add(WHOLE[name])
    fixed = [each for each in vars(ports).values() if isinstance(each, ports.ReplyError)]
    found |= {each.message.replace(" ", "_") for each in fixed if each.number < 109}
    return found - {"", "payment_"}


def _keys(pattern: str, file: str) -> set[str]:
    return set(re.findall(pattern, (WEB / file).read_text(), re.M))


def _words(language: str) -> set[str]:
    files = [WEB / "i18n" / f"{language}.ts", *(WEB / "i18n").glob(f"{language}.*.ts")]
    return {key for file in files for key in _keys(r'^ {2}"([^"]+)":', str(file.relative_to(WEB)))}


def test_every_problem_has_its_sentence() -> None:
    sentences = _keys(r'^ {2}"?([a-z_]+(?:\.[a-z_]+)?)"?: "', "ui/problems.ts")
    problems = _problems()
    assert len(problems) > 60
    assert sorted(each for each in problems if {each, each.partition(".")[0]}.isdisjoint(sentences)) == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_sentence_of_a_problem_is_there(language: str) -> None:
    said = _keys(r'^ {2}"?[a-z_.]+"?: "([^"]+)",$', "ui/problems.ts")
    assert said
    assert sorted(said - _words(language)) == []


def test_every_finding_about_a_broadcast_has_its_sentence() -> None:
    found = re.search(r"const codes = \[(.*?)\]", (WEB / "studio" / "health.tsx").read_text(), re.S)
    assert found
    known = set(re.findall(r'"(\w+)"', found[1]))
    codes = {texts[0] for name, texts in _calls("hub/health.py") if name in ("_tell", "Finding") and texts}
    assert sorted(codes - known - {""}) == []
    assert sorted(known - _texts("hub/health.py")) == []


def test_every_refused_publisher_is_told_of_with_a_reason() -> None:
    codes = {texts[0] for name, texts in _calls("control/admission.py") if name == "Refused"}
    known = _keys(r'"reason\.([a-z_]+)"', "i18n/en.studio.ts")
    assert codes
    assert codes <= known


def test_every_line_of_the_sites_log_has_its_sentence() -> None:
    kinds = {text for name, texts in _calls("control") if name == "note" for text in texts if "." in text}
    links = {each for each in kinds if each.endswith("_")}
    assert len(kinds) > 25
    assert links == {"link.used_"}
    known = _keys(r'"audit\.([a-z_.]+)"', "i18n/en.admin.ts")
    known |= _keys(r'"log\.([a-z_.]+)"', "i18n/en.studio.ts")
    assert sorted(kinds - known - links) == []


def test_every_deed_of_a_moderator_has_its_sentence() -> None:
    deeds = {texts[1] for name, texts in _calls("chat") if name == "entry" and len(texts) > 1}
    known = _keys(r"^ {2}([a-z_]+): \"audit\.", "moderation/log.tsx")
    assert len(deeds) > 5
    assert sorted(deeds - known - {""}) == []
