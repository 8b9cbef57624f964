"""Use-cases of the control plane: channels, keys, accounts, roles, sessions, admission, audit."""

from madang.control.control import Control
from madang.control.settings import Settings

__all__ = ["Control", "Settings"]
