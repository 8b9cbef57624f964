"""The desks of all broadcasts: found by the grant of a request, made when first asked for."""

from madang.base.ids import ChannelId
from madang.delivery.http.desk import Desk
from madang.hub.gate import PlayGrant
from madang.packaging.cmaf.packagers import Packagers


class Desks:
    """One desk per packager, shared by HLS and DASH."""

    def __init__(self, packagers: Packagers) -> None:
        self._packagers = packagers
        self._desks: dict[ChannelId, Desk] = {}

    def of(self, grant: PlayGrant) -> Desk | None:
        """The desk of the channel's broadcast; None when nothing is live and nothing has just ended."""
        packager = self._packagers.get(grant.channel)
        desk = self._desks.get(grant.channel)
        if desk is not None:
            if desk.packager is packager and desk.private == grant.private:
                return desk
            del self._desks[grant.channel]
            desk.close()
        if packager is None:
            return None
        desk = self._desks[grant.channel] = Desk(packager, grant.private)
        return desk

    def sweep(self) -> None:
        """Once a second: close the desks whose packager is gone, drop held viewers who lost their right."""
        for channel, desk in tuple(self._desks.items()):
            if not self._packagers.has(desk.packager):
                del self._desks[channel]
                desk.close()
            else:
                desk.sweep()
