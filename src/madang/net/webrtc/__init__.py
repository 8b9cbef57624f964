"""One UDP port for all WebRTC sessions: ICE-lite, DTLS, SRTP, and the fan-out of shared packets.

What the rooms above see of it (`ingest/whip`, `delivery/whep`, `packaging/rtp`); signalling (SDP, HTTP) is theirs:

`port.py`      WebRtcPort(ground, settings)       made once by `app/wiring`
    await listen(binding) / close()               the UDP port, and ICE-TCP on the TCP port of the same number
    fingerprint: str                              of our certificate, as in `a=fingerprint:sha-256 AB:CD:..`
    candidates: tuple[str, ...]                   values of `a=candidate:` lines, best first; then `a=end-of-candidates`
    session(remote, receiver, address) -> Session raises Overloaded: `address` is the HTTP client, who is limited
`session.py`   Remote(ufrag, password, fingerprint, setup)
                   of the offer; fingerprint as `sha-256 AB:..`; we answer `a=setup:passive` and `a=ice-lite`
               Session                            one BUNDLE: one peer connection
    id: str, ufrag: str, password: str            ours, for the answer; `id` is good for the Location
    state                                         "new", "checking", "connected", "closed"
    send(log, options: Sending) -> Sender         a track to this peer; before or after `connected`
    expect(incoming: Expected) -> None            what this peer may send; before `connected`
    restart(ufrag, password) -> tuple[str, str]   ICE restart: the peer's new words in, our new words out
    close(reason)                                 says goodbye (RTCP BYE, DTLS close_notify); idempotent
               Receiver (a protocol that the rooms above implement; called synchronously, must not await)
    connected()                                   DTLS is done: media flows from now on
    closed(reason: str)                           told once: "bye", "timeout", "silent", "fingerprint", "ours", ..
    packet(source: Source, packet: RtpPacket, lost: int)
                                                  in sequence order, after RTX; `lost` packets before it were given up
    keyframe_wanted(sender: Sender)               a viewer's PLI or FIR, rate-limited
`sources.py`   Expected(lines, mid_id, rid_id, repaired_rid_id, twcc_id, remb_bps)
                   header extension ids of the BUNDLE, 0 where not negotiated; remb_bps 0 for none
               Line(mid, clock_rates: {payload type: Hz}, rtx: {payload type of RTX: payload type},
                    ssrcs: (..), rtx_ssrcs: {ssrc of RTX: ssrc}, nack, pli, fir)
               Source                             one SSRC that the peer sends
    ssrc, line, rid: str                          rid empty without simulcast
    ask_keyframe()                                PLI or FIR, at most one in KEYFRAME_REQUEST_S
    report: (NTP seconds, RTP timestamp) | None   the latest sender report, for lip-sync
`log.py`       PacketLog(clock_rate, epoch_s, keyframes)
                   one track's packets, rendered once by `packaging/rtp` and shared by every viewer
    append(payloads: list[bytes], timestamp: int, keyframe: bool)
        one frame: RTP payloads of at most PAYLOAD_BYTES, the marker goes on the last. `timestamp` in ticks of
        clock_rate on the stream's own axis, the same axis for all logs of a stream (never wraps: the log adds its
        own random base); `epoch_s`, the Unix time of tick 0, is equal for all logs of a stream: lip-sync is that.
        Payloads of one frame of equal length, the last one no longer, leave with one system call.
    changed, viewers                              viewers: how many senders read it; changed() is called when that changes
    end()                                         no more frames; senders stay attached and may be switched
`sender.py`    Sending(payload_type, rtx_payload_type=0, nack=True, playout_delay_id=0)
               Sender                             one track to one viewer
    ssrc, rtx_ssrc                                for the answer; the same for all viewers, by kind of track
    switch(log)                                   another log (a rendition) from its next keyframe on
    stop()
    counts                                        packets, bytes, dropped frames, resent packets, loss as last reported

A new viewer of a log with keyframes gets what was sent since the last keyframe as a paced burst, its timestamps pressed
together and ending at the live one; without a usable keyframe it waits for the next one. The log keeps that much.
"""
