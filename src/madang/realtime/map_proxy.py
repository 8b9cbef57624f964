"""Backends that decide about clients' keys of maps, as Centrifugo's map_publish and map_remove proxies."""

from madang.base.errors import PeerError
from madang.protocols.centrifugo import proxy as p
from madang.realtime.backend import Proxy
from madang.realtime.maps import KeyOptions
from madang.realtime.ports import INTERNAL, KeyReply, KeyRequest
from madang.realtime.publication import NO_TAGS


class MapProxy:
    """Implements `ports.MapHandler`: setting and removing have a proxy of their own each, or none."""

    def __init__(self, publish: Proxy | None, remove: Proxy | None) -> None:
        self._publish = publish
        self._remove = remove
        self.publishes = publish is not None
        self.removes = remove is not None

    async def publish_key(self, request: KeyRequest) -> KeyReply:
        return await self._ask(self._publish, request)

    async def remove_key(self, request: KeyRequest) -> KeyReply:
        return await self._ask(self._remove, request)

    async def _ask(self, proxy: Proxy | None, request: KeyRequest) -> KeyReply:
        if proxy is None:
            raise INTERNAL
        data, encoded = proxy.data(request.data)
        call = p.KeyCall(
            **proxy.of(request.caller),
            channel=request.channel,
            key=request.key,
            data=data,
            b64data=encoded,
        )
        told = await proxy.stand(request.caller, call, p.KEY) or p.KeyResult()
        try:
            replaced = p.either(told.data, told.b64data) or None
            streamed = p.either(told.stream_data, told.b64stream_data)
        except PeerError:
            raise INTERNAL from None
        options = KeyOptions(
            tags=told.tags or NO_TAGS,
            key_mode=told.key_mode or "",
            idempotency_key=told.idempotency_key or "",
            delta=bool(told.delta),
            version=told.version or 0,
            version_epoch=told.version_epoch or "",
            stream_data=streamed,
        )
        return KeyReply(key=told.key or "", data=replaced, options=options)
