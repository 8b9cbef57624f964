"""One broadcast's packager: its stream, its window, the segmenter between them, and who waits for news."""

from madang.base.ids import BroadcastId
from madang.hub.stream import Stream
from madang.packaging.cmaf.segmenter import Segmenter
from madang.packaging.cmaf.window import Window


class Packager:
    """Packages a stream while attached."""

    def __init__(self, stream: Stream, last_target: int = 0) -> None:
        self.stream = stream
        self.channel = stream.lease.channel
        self.broadcast: BroadcastId = stream.broadcast
        self.window = Window(stream.lease.profile.dvr_window_s)
        self.asked_at = 0.0
        """Monotonic time of the last request, for packagers that run on demand."""
        self.ended_at = 0.0
        """Monotonic time at which the end was first seen, 0 before."""
        self._segmenter = Segmenter(stream, self.window, last_target)

    @property
    def ready(self) -> bool:
        """Whether a playlist can be shown: targets are fixed and a part is there."""
        return self.window.targets is not None and self.window.last is not None

    def attach(self) -> None:
        """Follow the stream; its cached GOP comes at once."""
        self.stream.attach(self._segmenter)

    def detach(self) -> None:
        self.stream.detach(self._segmenter)

    async def read(self, msn: int) -> bytes:
        """The whole body of a segment that is no longer in memory; empty when it is lost."""
        segment = self.window.segment(msn)
        return segment.body or b"" if segment else b""
