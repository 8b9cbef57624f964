"""The gRPC doors that the settings ask for; their library, an extra, is loaded for them alone."""

from typing import TYPE_CHECKING

from madang.app.keys import Endpoint
from madang.app.sections import Settings
from madang.net.listeners import Binding, ListenError
from madang.realtime.doors import Doors
from madang.realtime.engine import Engine

if TYPE_CHECKING:
    from madang.realtime.grpc_doors import GrpcDoors


async def open_grpc(settings: Settings, engine: Engine, doors: Doors) -> "GrpcDoors | None":
    """None where none is asked for. Raises ListenError."""
    api, stream = settings.realtime.grpc, settings.realtime.uni_grpc
    places = [place for place in dict.fromkeys((api, stream)) if place is not None]
    if not places:
        return None
    try:
        from madang.realtime.grpc_doors import GrpcDoors
    except ModuleNotFoundError:
        raise ListenError(_binding(places[0]), "gRPC is an extra: pip install 'madang[grpc]'") from None
    found = GrpcDoors(engine, doors)
    for place in places:
        try:
            await found.open(str(place), with_api=place == api, with_stream=place == stream)
        except OSError as error:
            await found.close()
            raise ListenError(_binding(place), str(error)) from None
    return found


def _binding(place: Endpoint) -> Binding:
    return Binding(place.host, place.port, "grpc and uni_grpc under [realtime]")
