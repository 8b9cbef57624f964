"""Backends that are asked by HTTP, as Centrifugo's proxies: who may connect, subscribe and publish, what a
call is answered with, and what is refreshed."""

import contextlib
import logging
from collections.abc import Mapping
from typing import Final, TypedDict
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw

from madang.base.errors import PeerError
from madang.net.outbound import Outbound
from madang.protocols.centrifugo import codes, tags
from madang.protocols.centrifugo import proxy as p
from madang.realtime.backend import Proxy, Unanswered
from madang.realtime.channel import NAMESPACE_BOUNDARY
from madang.realtime.core import Core
from madang.realtime.gate import Caller, ConnectGate, ConnectReply, ConnectRequest, ServerSubscription
from madang.realtime.map_proxy import MapProxy
from madang.realtime.people import Carried
from madang.realtime.poll_proxy import PollProxy
from madang.realtime.ports import (
    INTERNAL,
    METHOD_NOT_FOUND,
    NOT_AVAILABLE,
    Disconnect,
    Does,
    PublishReply,
    PublishRequest,
    RefreshReply,
    RpcRequest,
    SubscribeReply,
    SubscribeRequest,
)
from madang.realtime.publication import NO_TAGS
from madang.realtime.states import States
from madang.realtime.tokens import OWN_USERS

log = logging.getLogger(__name__)
_NO_CREDENTIALS: Final = "no credentials"


class _Overrides(TypedDict, total=False):
    presence: bool | None
    join_leave: bool | None
    force_push_join_leave: bool | None
    force_recovery: bool | None
    force_positioning: bool | None


class ProxyGate:
    """Implements `gate.ConnectGate`: asks a backend about who brings no token; the rest is `inner`'s."""

    def __init__(self, proxy: Proxy, inner: ConnectGate) -> None:
        self._proxy = proxy
        self._inner = inner

    def holds(self, caller: Caller) -> bool:
        return self._inner.holds(caller)

    async def connect(self, request: ConnectRequest) -> ConnectReply:
        proxy, caller = self._proxy, request.caller
        data, encoded = proxy.data(request.data)
        call = p.ConnectCall(
            **proxy.about(caller),
            name=request.name,
            version=request.version,
            data=data,
            b64data=encoded,
            channels=request.channels,
        )
        try:
            result = await proxy.ask(call, p.CONNECT, Carried(request.headers, request.emulated))
        except Unanswered:
            raise INTERNAL from None
        if result is None:
            raise Disconnect(codes.BAD_REQUEST.number, _NO_CREDENTIALS)
        if result.user.startswith(OWN_USERS):
            log.warning("realtime: the proxy %s speaks for one of our users", proxy.name)
            raise Disconnect(*codes.PERMISSION_DENIED)
        return _connected(result)


def _connected(result: p.ConnectResult) -> ConnectReply:
    subscriptions = {channel: ServerSubscription() for channel in result.channels or ()}
    subscriptions |= {channel: _subscription(told) for channel, told in (result.subs or {}).items()}
    return ConnectReply(
        user=result.user,
        info=_good(result.info, result.b64info),
        data=_good(result.data, result.b64data),
        meta=p.present(result.meta),
        expires_at=result.expire_at or 0.0,
        subscriptions=subscriptions,
    )


def _subscription(told: p.SubscribeResult) -> ServerSubscription:
    return ServerSubscription(
        info=_good(told.info, told.b64info),
        data=_good(told.data, told.b64data),
        expires_at=told.expire_at or 0.0,
        **_overrides(told.override),
    )


def _overrides(told: p.Override | None) -> _Overrides:
    if told is None:
        return {}
    return {
        "presence": _value(told.presence),
        "join_leave": _value(told.join_leave),
        "force_push_join_leave": _value(told.force_push_join_leave),
        "force_recovery": _value(told.force_recovery),
        "force_positioning": _value(told.force_positioning),
    }


def _value(told: p.Told | None) -> bool | None:
    return None if told is None else told.value


def _good(plain: Raw, encoded: str | None) -> bytes:
    """Raises ReplyError 100 for bad base 64: the backend's fault."""
    try:
        return p.either(plain, encoded)
    except PeerError:
        raise INTERNAL from None


class ProxyHandler:
    """Implements `ports.ChannelHandler` for a namespace: each event has a proxy of its own, or none."""

    def __init__(
        self, subscribe: Proxy | None = None, publish: Proxy | None = None, sub_refresh: Proxy | None = None
    ) -> None:
        self._subscribe = subscribe
        self._publish = publish
        self._sub_refresh = sub_refresh
        self.does = Does(
            subscribe=subscribe is not None,
            publish=publish is not None,
            sub_refresh=sub_refresh is not None,
        )

    async def subscribe(self, request: SubscribeRequest) -> SubscribeReply:
        proxy, caller = _given(self._subscribe), request.caller
        data, encoded = proxy.data(request.data)
        call = p.SubscribeCall(
            **proxy.of(caller),
            channel=request.channel,
            token=request.token,
            data=data,
            b64data=encoded,
        )
        told = await proxy.stand(caller, call, p.SUBSCRIBE) or p.SubscribeResult()
        return SubscribeReply(
            data=_good(told.data, told.b64data),
            info=_good(told.info, told.b64info),
            expires_at=told.expire_at or 0.0,
            filter=_filter(told),
            **_overrides(told.override),
        )

    async def publish(self, request: PublishRequest) -> PublishReply:
        proxy, caller = _given(self._publish), request.caller
        data, encoded = proxy.data(request.data)
        call = p.PublishCall(
            **proxy.of(caller),
            channel=request.channel,
            data=data,
            b64data=encoded,
        )
        told = await proxy.stand(caller, call, p.PUBLISH) or p.PublishResult()
        return PublishReply(
            data=_good(told.data, told.b64data) or None,
            skip_history=bool(told.skip_history),
            tags=told.tags or NO_TAGS,
            idempotency_key=told.idempotency_key or "",
            delta=bool(told.delta),
            version=told.version or 0,
            version_epoch=told.version_epoch or "",
        )

    async def sub_refresh(self, caller: Caller, channel: str) -> RefreshReply:
        proxy = _given(self._sub_refresh)
        call = p.SubRefreshCall(**proxy.of(caller), channel=channel)
        return await proxy.refresh(caller, call)

    async def refresh(self, caller: Caller) -> RefreshReply:
        """Connections belong to no namespace."""
        return RefreshReply(expired=True)

    async def rpc(self, request: RpcRequest) -> bytes:
        """Nor do calls."""
        raise METHOD_NOT_FOUND

    def unsubscribed(self, caller: Caller, channel: str) -> None:
        """Backends are not told."""


def _given(proxy: Proxy | None) -> Proxy:
    if proxy is None:
        raise NOT_AVAILABLE
    return proxy


def _filter(told: p.SubscribeResult) -> str:
    """A filter that the server holds the subscriber to. Raises ReplyError 100 for one that means nothing."""
    found = p.present(told.server_tags_filter).decode()
    try:
        if found:
            tags.parse(found)
    except PeerError:
        raise INTERNAL from None
    return found


class ConnectionHandler(ProxyHandler):
    """What belongs to connections and not to channels: refreshing them, and calls."""

    def __init__(
        self, refresh: Proxy | None, rpc: Proxy | None = None, namespaces: Mapping[str, Proxy] | None = None
    ) -> None:
        super().__init__()
        self._refresh = refresh
        self._rpc = rpc
        self._namespaces = namespaces or {}
        self.does = Does(refresh=refresh is not None, rpc=True)

    async def refresh(self, caller: Caller) -> RefreshReply:
        proxy = _given(self._refresh)
        call = p.RefreshCall(**proxy.of(caller))
        return await proxy.refresh(caller, call)

    async def rpc(self, request: RpcRequest) -> bytes:
        caller, (namespace, boundary, _) = request.caller, request.method.partition(NAMESPACE_BOUNDARY)
        proxy = self._namespaces.get(namespace) if boundary else self._rpc
        if proxy is None:
            raise METHOD_NOT_FOUND
        data, encoded = proxy.data(request.data)
        call = p.RpcCall(
            **proxy.of(caller),
            method=request.method,
            data=data,
            b64data=encoded,
        )
        told = await proxy.stand(caller, call, p.RPC) or p.RpcResult()
        return _good(told.data, told.b64data)


class Proxies:
    """Binds the proxies that the settings name, in place of those of before."""

    def __init__(self, core: Core, outbound: Outbound, inner: ConnectGate) -> None:
        self._core = core
        self._outbound = outbound
        self._inner = inner

    def bind(self) -> None:
        """After the namespaces of the settings are bound."""
        core, settings = self._core, self._core.settings
        found = {name: Proxy(name, each, core, self._outbound) for name, each in settings.proxies.items()}
        for proxy in found.values():
            self._warn(proxy)
        core.headers = tuple(
            sorted(
                {name.lower().encode() for each in settings.proxies.values() for name in each.http_headers}
            )
        )
        core.emulated = frozenset(
            name.lower() for each in settings.proxies.values() for name in each.emulated_headers
        )
        connect, refresh = found.get(settings.connect_proxy_name), found.get(settings.refresh_proxy_name)
        core.gate = self._inner if connect is None else ProxyGate(connect, self._inner)
        calls = {name: found[proxy] for name, proxy in settings.rpc_namespaces.items()}
        rpc = found.get(settings.rpc_proxy_name)
        handler = ConnectionHandler(refresh, rpc, calls)
        core.refresher = handler if refresh is not None else None
        core.rpc.pop("", None)
        if rpc is not None or calls:
            core.rpc[""] = handler
        states = {name: States(proxy, core) for name, proxy in found.items()}
        for name, binding in tuple(core.bindings.items()):
            options = binding.options
            if options.state_proxy_name:
                binding = msgspec.structs.replace(binding, events=states[options.state_proxy_name])
                core.bindings[name] = binding
            polled = options.shared_poll.proxy_name
            if polled and options.subscription_type == "shared_poll":
                binding = msgspec.structs.replace(binding, polled=PollProxy(found[polled], options))
                core.bindings[name] = binding
            names = options.subscribe_proxy_name, options.publish_proxy_name, options.sub_refresh_proxy_name
            keys = options.map.publish_proxy_name, options.map.remove_proxy_name
            if any(keys):
                publish_key, remove_key = (found[each] if each else None for each in keys)
                binding = msgspec.structs.replace(binding, keys=MapProxy(publish_key, remove_key))
                core.bindings[name] = binding
            if any(names):
                subscribe, publish, sub_refresh = (found[each] if each else None for each in names)
                made = ProxyHandler(subscribe, publish, sub_refresh)
                core.bindings[name] = msgspec.structs.replace(binding, handler=made)

    def _warn(self, proxy: Proxy) -> None:
        """Tell the operator at once what the first request would only tell the clients."""
        host = urlsplit(proxy.settings.endpoint).hostname or ""
        with contextlib.suppress(ValueError):  # a name is resolved with each request
            if not self._outbound.judge("127.0.0.1" if host == "localhost" else host):
                log.warning(
                    "realtime: the proxy %s is at %s, which is no public address: list it in outbound_allow",
                    proxy.name,
                    host,
                )
