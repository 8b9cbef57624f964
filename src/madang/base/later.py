"""Libraries that a start can do without: loaded at their first use, or behind the open doors (`app.behind`).

A module that needs one of them says so where it would import it:

    if TYPE_CHECKING:
        from OpenSSL import SSL
    else:
        SSL = later("OpenSSL.SSL")
"""

from importlib import import_module

_declared: dict[str, None] = {}


class Later:
    """Stands for a module that is imported when the first of its names is asked for; each name is kept."""

    def __init__(self, name: str) -> None:
        self._module = name

    def __getattr__(self, name: str) -> object:
        found: object = getattr(import_module(self._module), name)
        setattr(self, name, found)
        return found


def later(name: str) -> Later:
    """The module of this dotted name, to be loaded later."""
    _declared[name] = None
    return Later(name)


def declared() -> tuple[str, ...]:
    """What stands aside so far, by dotted name."""
    return tuple(_declared)
