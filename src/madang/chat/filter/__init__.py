"""The word filter: a text goes in, a verdict comes out; pure, compiled once per room, never changed."""

from madang.chat.filter.engine import Filter, compile_rules
from madang.chat.filter.rules import Pattern, Rules, WordList
from madang.chat.filter.verdict import Action, Hit, Verdict

__all__ = ["Action", "Filter", "Hit", "Pattern", "Rules", "Verdict", "WordList", "compile_rules"]
