"""A GStreamer peer (webrtcbin) that speaks WHIP and WHEP; run by the system's python3, which has bindings:

    python3 gstreamer_peer.py publish|play URL KEY SECONDS

Ends after SECONDS; a publisher with its standard input, a player when it has decoded ENOUGH of both. Prints
one JSON line: buffers that were decoded, by kind, and what the connection came to.
"""

import json
import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENOUGH = 30
PUBLISH = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 ! videoconvert
  ! openh264enc complexity=low gop-size=30 ! h264parse
  ! rtph264pay config-interval=-1 aggregate-mode=zero-latency
  ! application/x-rtp,media=video,encoding-name=H264,payload=102 ! peer.
audiotestsrc is-live=true ! audioconvert ! opusenc ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! peer.
"""
PLAY = "webrtcbin name=peer bundle-policy=max-bundle fakesrc num-buffers=0 ! fakesink async=false"
"""One element alone would not be a pipeline."""
CAPS = (
    "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=102",
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111",
)


class Peer:
    """One session, from its offer to its DELETE."""

    def __init__(self, way, url, key, seconds):
        self.url, self.key = url, key
        self.location = ""
        self.posted = False
        self.decoded = {"video": 0, "audio": 0}
        self.loop = GLib.MainLoop()
        self.pipe = Gst.parse_launch(PUBLISH if way == "publish" else PLAY)
        self.peer = self.pipe.get_by_name("peer")
        if way == "play":
            for caps in CAPS:
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self.peer.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            self.peer.connect("pad-added", self.on_pad)
        self.peer.connect("on-negotiation-needed", self.offer)
        self.peer.connect("notify::ice-gathering-state", self.on_gathering)
        GLib.timeout_add(int(seconds * 1000), self.loop.quit)
        if way == "publish":
            GLib.io_add_watch(
                sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: self.loop.quit()
            )

    def run(self):
        self.pipe.set_state(Gst.State.PLAYING)
        self.loop.run()
        state = self.peer.get_property("connection-state").value_nick
        if self.location:
            self.http("DELETE", self.location)
        self.pipe.set_state(Gst.State.NULL)
        print(json.dumps({"state": state, "decoded": self.decoded}))

    def offer(self, peer):
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer, None))

    def on_offer(self, promise, _):
        promise.wait()
        reply = promise.get_reply()  # kept: the offer is a part of it
        self.peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def on_gathering(self, peer, _):
        complete = peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if complete and not self.posted:
            self.posted = True
            GLib.idle_add(self.post)

    def post(self):
        """The offer, with its candidates; the answer."""
        sdp = self.peer.get_property("local-description").sdp.as_text()
        body, headers = self.http("POST", self.url, sdp.encode(), "application/sdp")
        self.location = self.url.split("/live/")[0] + headers["Location"]
        _, message = GstSdp.SDPMessage.new_from_text(body.decode())
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.peer.emit("set-remote-description", answer, Gst.Promise.new())
        return False

    def http(self, method, url, body=None, kind=""):
        request = urllib.request.Request(url, body, method=method)
        if kind:
            request.add_header("Content-Type", kind)
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read(), answer.headers

    def on_pad(self, peer, pad):
        """What comes is decoded, and counted."""
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self.on_decoded, kind)
        self.pipe.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def on_decoded(self, decoder, pad, kind):
        def count(pad, info):
            self.decoded[kind] += 1
            if min(self.decoded.values()) >= ENOUGH:
                GLib.idle_add(self.loop.quit)
            return Gst.PadProbeReturn.OK

        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("sync", False)
        self.pipe.add(sink)
        sink.sync_state_with_parent()
        pad.add_probe(Gst.PadProbeType.BUFFER, count)
        pad.link(sink.get_static_pad("sink"))


if __name__ == "__main__":
    Gst.init(None)
    Peer(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])).run()
