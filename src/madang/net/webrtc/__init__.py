"""One UDP port for all WebRTC sessions: ICE-lite, DTLS, SRTP, and the fan-out of shared packets.

What the rooms above see (`ingest/whip`, `delivery/whep`, `packaging/rtp`); SDP and HTTP are theirs:

`port.py`      WebRtcPort(ground, settings)   made once by `app/wiring`
    await listen(binding) / close()           the UDP port, and ICE-TCP on the TCP port of the same number
    fingerprint: str                          of our certificate: `sha-256 AB:CD:..`
    candidates: tuple[str, ...]               values of `a=candidate:` lines, best first
    session(remote, receiver, address)        -> Session, or Overloaded; `address` of the HTTP client
`session.py`   Remote(ufrag, password, fingerprint, passive=False)
                                              of the offer; we answer `a=ice-lite` and `a=setup:passive`, or
                                              `active` to a peer that is passive: then we are the DTLS client
                                              (ffmpeg's whip muxer offers `setup:passive` by default)
               Session                        one BUNDLE, one peer connection
    id, ufrag, password: str                  ours, for the answer; `id` is good for the Location
    state                                     "new", "checking", "connected", "closed"
    send(log, options: Sending) -> Sender     a track to this peer; before or after `connected`
    expect(incoming: Expected)                what this peer may send; before `connected`
    restart(ufrag, password)                  ICE restart: the peer's new words in, ours out
    close(reason)                             says goodbye (RTCP BYE, DTLS close_notify); idempotent
               Receiver                       what the rooms above implement; called synchronously, no await
    connected()                               DTLS is done: media flows from now on
    closed(reason: str)                       told once: "bye", "timeout", "silent", "fingerprint", "ours", ..
    packet(source, packet: RtpPacket, lost)   in sequence order, after RTX; so many before it were given up
    keyframe_wanted(sender: Sender)           a viewer's PLI or FIR, rate-limited
`sources.py`   Expected(lines, mid_id, rid_id, repaired_rid_id, twcc_id, remb_bps)
                                              ids of header extensions, 0 where not negotiated
               Line(mid, clock_rates: {payload type: Hz}, rtx: {payload type of RTX: payload type},
                    ssrcs, rtx_ssrcs: {ssrc of RTX: ssrc}, nack, pli, fir)
               Source                         one SSRC that the peer sends
    ssrc, line, rid: str                      rid empty without simulcast
    ask_keyframe()                            PLI or FIR, at most one in KEYFRAME_REQUEST_S
    report: (NTP seconds, RTP timestamp)      the latest sender report or None, for lip-sync
`incoming.py`  Incoming                       a session's publishing half; its sources and the reports to them
`log.py`       PacketLog(clock_rate, epoch_s, keyframes)
                                              a track rendered once by `packaging/rtp`, shared by every viewer
    append(payloads, timestamp, keyframe)     one frame: payloads of at most PAYLOAD_BYTES.
        The marker goes on the last. `timestamp` counts ticks of clock_rate on an axis common to all logs of a
        stream and never wraps (the log adds its own random base); `epoch_s`, the Unix time of tick 0, is
        common to them too: that is lip-sync.
        Payloads of one frame of equal length, the last no longer, leave with one system call.
    changed, viewers                          how many senders read it; changed() when that changes
    end()                                     no more frames; senders stay and may be switched
`sender.py`    Sending(payload_type, rtx_payload_type=0, nack=True, playout_delay_id=0)
               Sender                         one track to one viewer
    ssrc, rtx_ssrc                            for the answer; the same for all viewers, by kind of track
    switch(log)                               another log (a rendition) from its next keyframe on
    stop()
    counts                                    packets, bytes, dropped frames, resent packets, loss as reported

A new viewer of a log with keyframes gets what was sent since the last keyframe as a paced burst, its
timestamps pressed together and ending at the live one; without a usable keyframe it waits for the next one.
"""
