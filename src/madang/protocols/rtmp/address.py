"""Which stream a client means: tcUrl, app and stream name put together, with their query parameters."""

from urllib.parse import unquote

import msgspec

from madang.base.secret import Secret
from madang.protocols.rtmp.command import Connect

_PARAMETERS_MAX = 32


class Address(msgspec.Struct, frozen=True):
    """Where a publisher or player wants to go: `rtmp://host/{app}/{name}?{parameters}`."""

    app: str
    """Everything before the last path segment: `live`, or deeper."""
    name: str
    """The last path segment: a channel's name, or a stream key. May be empty."""
    parameters: dict[str, Secret]
    """Of tcUrl, app and name, decoded; the name's win. `user` and `pass` also from `user:pass@host`."""

    def parameter(self, *names: str) -> str:
        """The first parameter of these names that is not empty."""
        return next((value.reveal() for n in names if (value := self.parameters.get(n))), "")


def locate(connect: Connect, name: str) -> Address:
    """Reassemble what encoders split differently: OBS at its two fields, ffmpeg at a slash of its choice.

    tcUrl may be missing, quoted, or carry the query; hardware encoders pad keys with spaces and NUL.
    """
    tc_url, app, name = (_clean(part) for part in (connect.tc_url, connect.app, name))
    authority, path, query = _split_url(tc_url)
    app_path, _, app_query = app.partition("?")
    name_path, _, name_query = name.partition("?")
    parameters = _credentials(authority)
    for text in (query, app_query, name_query):
        parameters |= _parse_query(text)
    whole = f"{path if path.strip('/') else app_path}/{name_path}"
    segments = [unquote(segment).strip(" \0\t\r\n") for segment in whole.split("/")]
    segments = [segment for segment in segments if segment]
    has_name = len(segments) > 1
    return Address(
        "/".join(segments[:-1] if has_name else segments), segments[-1] if has_name else "", parameters
    )


def _clean(text: str) -> str:
    return text.strip(" \0\t\r\n\"'")


def _split_url(url: str) -> tuple[str, str, str]:
    """(authority, path, query) of `rtmp://authority/path?query`; IPv6 brackets are left alone."""
    _, separator, rest = url.partition("://")
    if not separator:
        return "", "", ""
    location, _, query = rest.partition("?")
    authority, _, path = location.partition("/")
    return authority, path, query


def _credentials(authority: str) -> dict[str, Secret]:
    userinfo, separator, _ = authority.rpartition("@")
    if not separator:
        return {}
    user, _, password = userinfo.partition(":")
    return {"user": Secret(unquote(user)), "pass": Secret(unquote(password))}


def _parse_query(query: str) -> dict[str, Secret]:
    """Parameters of a query; `+` stays what it is, for keys are not forms. A stray `?` separates too."""
    pairs = query.replace("?", "&").split("&", _PARAMETERS_MAX)[:_PARAMETERS_MAX]
    found = (pair.partition("=") for pair in pairs)
    return {unquote(n): Secret(unquote(v).strip(" \0\t\r\n")) for n, _, v in found if n}
