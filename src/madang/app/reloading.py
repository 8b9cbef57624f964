"""SIGHUP: settings are read again; what may change does, what is bad leaves everything as it was (F26)."""

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from madang.app.counters import AppCounters
from madang.app.sections import Settings
from madang.app.settings import SettingsError, reload

_log = structlog.get_logger()


class Reloading:
    """Holds the settings in force. `apply` is called with those that take their place."""

    def __init__(
        self,
        settings: Settings,
        path: Path | None,
        env: Mapping[str, str],
        overrides: Mapping[str, object],
        migrated: Path | None = None,
    ) -> None:
        self.settings = settings
        self.counters = AppCounters()
        self._source = (path, dict(env), dict(overrides), migrated)

    def reload(self, apply: Callable[[Settings], None]) -> bool:
        """Read again. A mistake is a log line for each sentence, a count, and no change."""
        try:
            found = reload(self.settings, *self._source)
        except SettingsError as error:
            self.counters.reload_failures += 1
            _log.error("settings.kept", problems=error.problems)
            return False
        self.counters.reloads += 1
        self.settings = found.settings
        apply(found.settings)
        _log.info("settings.reloaded", applied=found.applied, wait_for_restart=found.waiting)
        return True
