"""What an operator sets about paid messages."""

import msgspec


class PaidSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Assembled by `app` from the settings file."""

    enabled: bool = True
    hold: bool = False
    """Whether every paid message waits for a manager; what the filter stops waits always."""
    open_s: int = 1800
    """How long an order waits for its money."""
    daily_krw: int = 500_000
    daily_usd: int = 50_000
    """What one person may give a channel in 24 hours; USD in cents."""

    def daily(self, currency: str) -> int:
        return self.daily_krw if currency == "KRW" else self.daily_usd
