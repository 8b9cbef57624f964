"""Names that people give themselves: cleaned, bounded, and compared by what they look like (A5, A13)."""

from madang.base.texts import MARKS_PER_LETTER, clean_text, looks, skeleton
from madang.control.errors import Invalid

__all__ = ["MARKS_PER_LETTER", "NAME_LETTERS", "clean_name", "clean_text", "looks", "skeleton"]

NAME_LETTERS = 40


def clean_name(text: str, field: str = "name") -> str:
    """A name as it is shown; Invalid when nothing visible is left."""
    name = clean_text(text, NAME_LETTERS)
    if not looks(name):
        raise Invalid("name_empty", "A name needs at least one letter or digit.", field)
    return name
