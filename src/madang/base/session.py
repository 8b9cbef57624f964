"""What a browser's session is called in its cookies: pages, API, play doors and WHEP ask for the same one."""

from typing import Final

SESSION_COOKIE: Final = "madang_session"
