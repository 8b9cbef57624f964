"""A23: every route, asked by everybody; what they may is written down in `rights.txt` beside this file.

To accept a change, run with MADANG_WRITE_GOLDEN=1 and read the difference."""

import os
from pathlib import Path

from fastapi.routing import APIRoute
from tests.harness.household import Household
from tests.harness.visitor import Site, Visitor

from madang.api.openapi import bare_app, guard_of, routes_of
from madang.base.roles import ChannelRole, SiteRole, Visibility
from madang.control.rights import Right, Scope

GOLDEN = Path(__file__).parent / "rights.txt"
ASKERS = ("guest", "stranger", "viewer", "manager", "broadcaster", "owner", "admin", "token", "bare token")
STREAMING = "/api/v1/events/stream"


def _routes() -> list[tuple[str, APIRoute]]:
    routes = [(next(iter(route.methods)), route) for route in routes_of(bare_app())]
    return sorted(routes, key=lambda pair: (pair[1].path, pair[0]))


def test_every_route_declares_a_right_and_no_read_has_an_effect() -> None:
    routes = _routes()
    assert len(routes) > 50
    for method, route in routes:
        guard = guard_of(route)
        about_channel = guard.right in (Right.WATCH, Right.STUDIO, Right.BROADCAST, Right.OWN)
        assert about_channel == ("{channel}" in route.path), route.path
        if guard.scope is not None and guard.right is not Right.PUBLIC:
            reads = guard.scope.value.endswith(":read")
            assert reads == (method == "GET"), f"{method} {route.path} has scope {guard.scope.value}"
        assert len(route.methods) == 1


async def _askers(web: Site, house: Household) -> dict[str, Visitor]:
    owner, owner_browser = await web.account("owner")
    askers = {"guest": await web.visitor(), "owner": owner_browser}
    channels = [
        await house.channel("open", owner),
        await house.channel("closed", owner, visibility=Visibility.PRIVATE),
    ]
    for name in ("viewer", "manager", "broadcaster"):
        actor, askers[name] = await web.account(name)
        for channel in channels:
            await house.member(channel, actor, ChannelRole(name))
    _, askers["stranger"] = await web.account("stranger")
    _, askers["admin"] = await web.account("admin", SiteRole.ADMIN)
    await web.account("admin2", SiteRole.ADMIN)
    askers["token"] = await web.program(owner, *Scope)
    askers["bare token"] = await web.program(owner, Scope.METRICS_READ)
    return askers


async def _ask(asker: Visitor, method: str, path: str, slug: str) -> str:
    """What came of it, where nothing is named that exists: 2xx, 404 and 422 behind the door mean `in`."""
    filled = path.replace("{channel}", slug)
    for name in ("account", "version", "session", "token", "user", "invitation", "key"):
        filled = filled.replace(f"{{{name}}}", "nothing-of-this-name")
    # A body that no route accepts: the door is asked, the deed is not done.
    body = {} if method == "GET" else {"json": {"nothing": "of this kind"}}
    answer = await asker.client.request(method, filled, headers=asker.headers, **body)
    kind = answer.json().get("type") if "problem" in answer.headers.get("content-type", "") else ""
    if answer.status_code in (401, 403) and kind != "wrong_password":
        return str(answer.status_code)
    if answer.status_code == 404 and answer.json().get("detail") == "There is no such channel.":
        return "404"
    assert answer.status_code < 500, answer.text
    return "in"


SIGN_OUT = "/api/v1/sessions/current"


async def test_the_matrix_is_the_golden_one(web: Site, house: Household) -> None:
    askers = await _askers(web, house)
    lines = [f"{'':58}{' '.join(f'{name:11}' for name in ASKERS)}".rstrip()]
    # Signing out comes last: it is done.
    for method, route in sorted(_routes(), key=lambda pair: pair[1].path == SIGN_OUT):
        if route.path == STREAMING:
            continue
        for slug in ("open", "closed") if "{channel}" in route.path else ("",):
            cells = [await _ask(askers[name], method, route.path, slug) for name in ASKERS]
            name = f"{method:7}{route.path.removeprefix('/api/v1').replace('{channel}', slug or '')}"
            lines.append(f"{name:58}{' '.join(f'{cell:11}' for cell in cells)}".rstrip())
    found = "\n".join(lines) + "\n"
    if os.environ.get("MADANG_WRITE_GOLDEN"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()
