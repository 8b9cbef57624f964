"""The backend of a shared poll: asked by HTTP for many keys at once, as Centrifugo's shared_poll_refresh."""

from collections.abc import Sequence

from madang.base.errors import PeerError
from madang.base.limits import REALTIME_POLL_BYTES
from madang.protocols.centrifugo import proxy as p
from madang.realtime.backend import NOTHING, Proxy, Unanswered
from madang.realtime.channel import ChannelOptions, fits
from madang.realtime.poll_items import Value
from madang.realtime.ports import Disconnect, ReplyError
from madang.realtime.shared_poll import NOTHING_NEW, Answer, PollError


class PollProxy:
    """Implements `poll.PollSource`."""

    def __init__(self, proxy: Proxy, options: ChannelOptions) -> None:
        self._proxy = proxy
        self._options = options

    async def refresh(self, channel: str, items: Sequence[tuple[str, int | None]]) -> Answer:
        call = p.SharedPollCall(channel, tuple(p.SharedPollItem(key, version) for key, version in items))
        try:
            told = await self._proxy.ask(call, p.SHARED_POLL, NOTHING, limit_bytes=REALTIME_POLL_BYTES)
            if told is None:
                return NOTHING_NEW
            values = [_value(each) for each in told.items or ()]
        except (Unanswered, ReplyError, Disconnect, PeerError) as error:
            raise PollError(str(error)) from None
        return Answer([each for each in values if self._fits(each)], told.epoch or "")

    def _fits(self, value: Value) -> bool:
        """Whether its data have the format of the namespace; others stay as they were."""
        return not value.data or fits(value.data, self._options)


def _value(told: p.SharedPollValue) -> Value:
    """Raises PeerError for bad base 64."""
    data = p.either(told.data, told.b64data)
    return Value(told.key, data, told.version or 0, bool(told.removed), p.present(told.prev_data))
