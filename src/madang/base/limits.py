"""Every bound of the server, each a named constant with the attack (A..) or fault (F..) it answers.

Bytes, seconds and counts. `docs/3-operate/limits.md` is generated from this file: the comment above a
constant is its explanation there.
"""

from typing import Final

# --- sockets -----------------------------------------------------------------------------------------
# A40: a peer that connects and says nothing.
ACCEPT_TO_FIRST_BYTE_S: Final = 5.0
# Dead peers: the kernel's own patience is 15 minutes.
TCP_USER_TIMEOUT_S: Final = 20.0
# Dead peers: idle, interval, count of keepalive probes.
TCP_KEEPALIVE: Final = (30, 10, 3)
# Unsent bytes in the kernel: without this bound it hides 4 MB, half a minute, per slow viewer.
TCP_NOTSENT_LOWAT_BYTES: Final = 64 * 1024
# Send buffer of a viewer's socket.
VIEWER_SNDBUF_BYTES: Final = 256 * 1024
# Connections from one address; never applied to loopback or to listed proxies.
CONNECTIONS_PER_IP: Final = 1024
# F21: connections in all; the start checks the descriptor limit against it.
CONNECTIONS_TOTAL: Final = 16_000
# F21: connections beyond those at `control_listen`, which may have half of the reserve below as well.
CONNECTIONS_RESERVED: Final = 64
# F22: descriptors kept free for files and for operators.
FD_RESERVE: Final = 256
# Sessions of one address that are not yet admitted.
PENDING_SESSIONS_PER_IP: Final = 128
# Sessions in all that are not yet admitted.
PENDING_SESSIONS_TOTAL: Final = 500
# A41: a TLS handshake that is never done.
TLS_HANDSHAKE_S: Final = 10.0
# A TLS peer that does not answer the goodbye.
TLS_GOODBYE_S: Final = 2.0

# --- RTMP --------------------------------------------------------------------------------------------
# A40: handshake that is never finished.
RTMP_HANDSHAKE_S: Final = 5.0
# A40: connect that never becomes publish or play.
RTMP_COMMAND_S: Final = 10.0
# F9: a publisher without media is lost after this.
PUBLISHER_SILENT_S: Final = 10.0
# F10: a holder silent this long may be taken over.
TAKEOVER_SILENCE_S: Final = 3.0
# F10: two encoders that fight: a second takeover within 10 s is refused for 60 s.
TAKEOVER_GUARD_S: Final = 10.0
TAKEOVER_REFUSAL_S: Final = 60.0
# F7: the stream stays the same stream this long after its publisher vanished.
RECONNECT_WINDOW_S: Final = 20.0
# A kicked key may not come back before this; OBS returns after 2 s.
KICK_REFUSAL_S: Final = 60.0
# A36: one RTMP message.
RTMP_MESSAGE_BYTES: Final = 4 * 1024 * 1024
# A36: partial messages of one connection together.
RTMP_CONNECTION_BYTES: Final = 8 * 1024 * 1024
# A36: chunk streams of one connection.
RTMP_CHUNK_STREAMS: Final = 64
# A35: Set Chunk Size.
RTMP_CHUNK_BYTES_MAX: Final = 65_536
# A39: replies that wait for a peer which asks and never reads.
RTMP_REPLY_BYTES: Final = 64 * 1024
# How long a refused peer may take to read why, before its connection is cut.
RTMP_LINGER_S: Final = 2.0
# A38: nesting of AMF values.
AMF_DEPTH: Final = 32
# A38: values of one AMF message.
AMF_VALUES: Final = 4096
# A56: bits of a publisher per second, averaged over PUBLISH_RATE_WINDOW_S.
PUBLISH_BITRATE_MAX: Final = 60_000_000
PUBLISH_RATE_WINDOW_S: Final = 5.0
# A56: how far media time may run ahead of the wall clock.
PUBLISH_AHEAD_S: Final = 30.0
# A56: how far behind the clock an encoder that had too little time, or a stalled line, may have fallen and
# still catch up as fast as it can.
PUBLISH_BEHIND_S: Final = 120.0
# A52: largest picture and frame rate that are admitted.
VIDEO_WIDTH_MAX: Final = 4096
VIDEO_HEIGHT_MAX: Final = 2304
VIDEO_FPS_MAX: Final = 120
# A29: failures of one address in a minute before answers are delayed, and the delay.
KEY_FAILURES_PER_MINUTE: Final = 10
KEY_FAILURE_DELAY_S: Final = 2.0

# --- HTTP --------------------------------------------------------------------------------------------
# A40: header that is never finished, or never ends.
HTTP_HEADER_S: Final = 10.0
HTTP_HEADER_BYTES: Final = 16 * 1024
HTTP_HEADERS: Final = 100
# A40: body that is never finished, and its slowest rate.
HTTP_BODY_S: Final = 30.0
HTTP_BODY_BYTES_PER_S: Final = 1024
# A45: JSON bodies of the API.
API_BODY_BYTES: Final = 64 * 1024
JSON_DEPTH: Final = 32
# A44: uploads (avatars).
UPLOAD_BYTES: Final = 5 * 1024 * 1024
# A connection that asks nothing more.
HTTP_KEEPALIVE_S: Final = 15.0
# A refused connection hears the refusal out this long before it is cut.
HTTP_LINGER_S: Final = 2.0
# Requests of one connection that wait parsed behind one that is being answered.
HTTP_PIPELINED: Final = 64
# A40: an answer that is not read: bytes still queued after this close the connection.
HTTP_STALLED_WRITE_S: Final = 20.0
# A53: held playlist requests of one address.
HOLDS_PER_IP: Final = 512
# A53: a held playlist answers 503 after three target durations, at most this.
HOLD_S_MAX: Final = 30.0
# A21: ranges of one request; more are answered with the whole.
HTTP_RANGES: Final = 1

# --- viewers -----------------------------------------------------------------------------------------
# F20: what may wait for one viewer; beyond it the viewer loses frames up to the next keyframe.
VIEWER_QUEUE_BYTES: Final = 4 * 1024 * 1024
VIEWER_QUEUE_S: Final = 5.0
# F20: a viewer that falls behind twice within this is disconnected.
VIEWER_SLOW_TWICE_S: Final = 30.0
# The GOP cache of one stream.
GOP_BYTES: Final = 16 * 1024 * 1024
GOP_S: Final = 30.0
# Playback sessions: gone when not seen for this long.
AUDIENCE_FORGET_S: Final = 30.0
AUDIENCE_SESSIONS: Final = 100_000

# --- packaging ---------------------------------------------------------------------------------------
# A packager that waits for viewers stops when nobody asked for this long.
PACKAGER_IDLE_S: Final = 30.0
# An ended broadcast's playlist and segments stay for those who still watch its end.
PACKAGER_KEPT_S: Final = 60.0
# Media of a broadcast kept in memory; older segments are read from the spool.
PACKAGER_MEMORY_S: Final = 30.0
# The DVR spool of all broadcasts together; beyond it segments are lost from the window, not from memory.
SPOOL_BYTES: Final = 64 * 1024**3
# F4: the spool leaves this much of the disk free.
SPOOL_FREE_BYTES: Final = 1024**3
# A slow disk: segments that wait to be written.
SPOOL_PENDING_BYTES: Final = 256 * 1024 * 1024
# F20: pictures of a smaller layer (simulcast) that wait for the next part of the larger one.
LAYER_PENDING_BYTES: Final = 8 * 1024 * 1024
# TARGETDURATIONs of ended broadcasts that are remembered, by channel.
REMEMBERED_TARGETS: Final = 10_000
# A54: viewers' errands in all (gates asked, segments read from disk) that run at once, and how long one may
# take; more get 503.
VIEWER_ERRANDS: Final = 512
VIEWER_ERRAND_S: Final = 5.0
# A54: posters being made or waiting for the one thread that makes them; beyond it the old ones are shown.
POSTERS_WAITING: Final = 32
# A poster that nobody asked for in this time is made no more, and forgotten.
POSTER_FORGET_S: Final = 30.0
# F20: frames of sound that wait to be transcoded, of one stream: a cached GOP of 30 s; more are dropped.
TRANSCODING_FRAMES: Final = 2048
# F20: sound that is not transcoded in this time is dropped, so that the picture goes on.
TRANSCODING_PATIENCE_S: Final = 2.0
# Threads that transcode the sound of all streams.
TRANSCODING_THREADS: Final = 2
# Pictures of one stream that wait to be made anew (B-frames for WebRTC); beyond it they are dropped up to a
# keyframe.
TRANSCODING_PICTURES: Final = 240
# A54: threads that make pictures anew: what viewers can make the server do is bounded by so many cores.
PICTURE_THREADS: Final = 2
# Grants of private channels that are kept for playing; the oldest goes first.
PLAY_GRANTS: Final = 100_000
# The first playlist of a broadcast may be waited for.
FIRST_PLAYLIST_S: Final = 6.0

# --- WebRTC ------------------------------------------------------------------------------------------
# A47: an offer, an answer or a fragment; its lines, media sections and ICE candidates.
SDP_BYTES: Final = 64 * 1024
SDP_LINE_BYTES: Final = 8 * 1024
SDP_SECTIONS: Final = 8
SDP_CANDIDATES: Final = 30
# What a viewer says of the size that it wants: two short names.
LAYER_BYTES: Final = 1024
# A relay's credential is good for so long: no session lasts a day.
TURN_CREDENTIAL_S: Final = 24 * 3600
# A55: offers that are being answered at once, and for how long: a second publisher waits for the first.
SIGNALLING_AT_ONCE: Final = 128
SIGNALLING_S: Final = 8.0
# A55: sessions of WHIP, and of WHEP, whose URLs are kept.
SIGNALLING_SESSIONS: Final = 8192
# A WebRTC publisher is asked for a keyframe so often while somebody packages: it sends none unasked.
WHIP_KEYFRAME_S: Final = 2.0
# A50: one frame out of a publisher's RTP packets.
RTP_FRAME_BYTES: Final = 4 * 1024 * 1024

# --- WebRTC ------------------------------------------------------------------------------------------
# A48: one STUN message; a check is some 100 bytes.
STUN_BYTES: Final = 1280
# A48: attributes of one STUN message.
STUN_ATTRIBUTES: Final = 32
# A48: checks of one address in a second that are looked at before one of them was genuine.
STUN_PER_IP_PER_S: Final = 100
# A49: DTLS of one handshake, in fragments that are never completed or as a flood.
DTLS_HANDSHAKE_BYTES: Final = 64 * 1024
# A49: one DTLS handshake, from its first packet.
DTLS_HANDSHAKE_S: Final = 10.0
# A55: from the answer to media: a session whose peer never comes.
WEBRTC_CONNECT_S: Final = 15.0
# A55: WebRTC sessions in all.
WEBRTC_SESSIONS: Final = 10_000
# RFC 7675: without a genuine check in this time the peer has withdrawn its consent.
WEBRTC_CONSENT_S: Final = 30.0
# A connected peer that says nothing at all, neither a check nor a report nor media, is gone: a closed tab
# says no goodbye, and is counted and sent to for no longer than this.
WEBRTC_SILENCE_S: Final = 12.0
# A50: senders (SSRCs) of one peer: three layers, their repeats, sound and one more.
SRTP_SSRCS: Final = 8
# One datagram that is read.
WEBRTC_DATAGRAM_BYTES: Final = 2048
# What waits for one ICE-TCP peer; beyond it the peer loses frames up to the next keyframe.
WEBRTC_TCP_QUEUE_BYTES: Final = 1024 * 1024
# Packets of a track that are kept for repeats, in seconds and in bytes.
RTP_HISTORY_S: Final = 2.0
RTP_HISTORY_BYTES: Final = 16 * 1024 * 1024
# Listeners of a stream beyond whom its sound leaves in fewer packets, and how long those are: 40 ms later,
# and a third fewer system calls.
RTP_BUNDLE_VIEWERS: Final = 100
RTP_BUNDLE_S: Final = 0.06
# A viewer's start burst: frames and bytes since the last keyframe; beyond it the next one is waited for.
WEBRTC_BURST_FRAMES: Final = 90
WEBRTC_BURST_BYTES: Final = 1024 * 1024
# Packets of a start burst that leave together, and the pause behind them.
WEBRTC_BURST_PACKETS: Final = 10
WEBRTC_BURST_PAUSE_S: Final = 0.002
# Repeats that one viewer may ask for in a second: a share of what it is sent, and never fewer than these.
NACK_PACKETS_PER_S: Final = 500
# Requests for a keyframe to one publisher, and from one viewer, are this far apart.
KEYFRAME_REQUEST_S: Final = 0.5
# A publisher's packets that are waited for before what follows them is taken.
RTP_REORDER_S: Final = 0.5
RTP_REORDER_PACKETS: Final = 1024

# --- websocket ---------------------------------------------------------------------------------------
# A40: how dead websockets are found: a ping, and how long its answer may take.
WEBSOCKET_PING_S: Final = 25.0
WEBSOCKET_PONG_S: Final = 10.0
# A goodbye that is not answered.
WEBSOCKET_CLOSE_S: Final = 2.0
# A43: one message from a client.
WEBSOCKET_MESSAGE_BYTES: Final = 64 * 1024
# A43: fragments of one message.
WEBSOCKET_FRAGMENTS: Final = 64
# A43: control frames of one client per second.
WEBSOCKET_CONTROLS_PER_S: Final = 10

# --- realtime ----------------------------------------------------------------------------------------
# A43: one message of a client, however many commands it holds.
REALTIME_MESSAGE_BYTES: Final = 64 * 1024
# A57: commands of one client that wait for one that is being answered; then it is read from no more.
REALTIME_WAITING_COMMANDS: Final = 256
# A name of a channel.
REALTIME_CHANNEL_BYTES: Final = 255
# Subscriptions of one connection.
REALTIME_CHANNELS_PER_CONNECTION: Final = 128
# F20: what may wait for one slow client; beyond it the connection ends with 3008.
REALTIME_QUEUE_BYTES: Final = 1024 * 1024
# F20: what may wait for a slow viewer of a namespace that sheds, of what must not be left out.
REALTIME_KEPT_BYTES: Final = 256 * 1024
# F20: plain publications that wait for a slow viewer of a namespace that sheds; the eldest are left out.
REALTIME_PLAIN_BYTES: Final = 32 * 1024
# What the transport may hold of it before the viewer counts as slow.
REALTIME_WRITE_BYTES: Final = 32 * 1024
# A40: a connection whose first command does not come.
REALTIME_STALE_S: Final = 10.0
# Pings of the server, and how long their answer may take.
REALTIME_PING_S: Final = 25.0
REALTIME_PONG_S: Final = 8.0
# What a connection must take of what waits for it while its answer is late: a slow reader is not a dead one.
REALTIME_SLOWEST_BYTES: Final = 1024
# How long an expired connection or subscription may take to be refreshed.
REALTIME_EXPIRED_S: Final = 25.0
# Expiries that are told to clients are at most a year away.
REALTIME_TTL_S: Final = 365 * 86400
# Publications of one recovery, and of one history reply.
REALTIME_RECOVERY: Final = 300
REALTIME_HISTORY: Final = 300
# Encodings of recoveries and history pages that are kept to be shared by those who return together.
REALTIME_SHARED_STRETCHES: Final = 64
# A57: the longest tick: publications of one channel that wait to be written together.
REALTIME_TICK_S: Final = 0.5
# Viewers that are written to before others get their turn.
REALTIME_SLICE: Final = 500
# Channels without history or subscribers whose position is remembered for this long.
REALTIME_META_S: Final = 30 * 86400.0
# A repeated publication is recognised for this long; of so many.
REALTIME_IDEMPOTENCY_S: Final = 300.0
REALTIME_IDEMPOTENCY_KEYS: Final = 100_000
# A presence entry that is not refreshed.
REALTIME_PRESENCE_S: Final = 60.0
# F13: an answer of Redis or NATS; connections to Redis at once; between two tries to hear it again.
BROKER_ANSWER_S: Final = 5.0
BROKER_CONNECTIONS: Final = 16
BROKER_RETURN_S: Final = 0.5
# F14: what the broker's history has already comes by its bus within this, or is lost.
REALTIME_BUS_S: Final = 1.0
# A broker's host that vanished without a word is asked after this silence, then given up.
BROKER_SILENCE_S: Final = 10.0
# F13: a new connection to PostgreSQL, or one of ours that is free; an answer of it.
DATABASE_CONNECT_S: Final = 10.0
DATABASE_ANSWER_S: Final = 30.0
# Who is present is told again in steps of this, spread over a third of the time that it holds.
REALTIME_PRESENCE_BATCH: Final = 256
# Questions to other nodes that wait for their answers; beyond it error 100.
NODE_QUESTIONS: Final = 1000
# A57: joins and leaves of one channel that are told one by one in a second; more are counted only.
REALTIME_JOINS_PER_S: Final = 50
# A57: refused commands of one connection in a second; reading them takes time from the others.
REALTIME_REFUSED_PER_S: Final = 1000
# A57: commands of one connection that are answered with an error of its own, and in which time; then 3509.
REALTIME_ERRORS: Final = 1000
REALTIME_ERRORS_S: Final = 10.0
# A57: commands of one connection, of one user and of one address in a second, each with a burst of five
# seconds.
REALTIME_COMMANDS_PER_CONNECTION: Final = 100
REALTIME_COMMANDS_PER_USER: Final = 200
REALTIME_COMMANDS_PER_IP: Final = 2000
# A57: buckets that count them; the eldest are forgotten.
REALTIME_BUCKETS: Final = 50_000
# A18: how many new connections one address may make in a second, with a burst of five seconds.
REALTIME_CONNECTS_PER_IP: Final = 200
# A43: keys of one map, and bytes of one; of all maps that this process keeps itself.
REALTIME_MAP_KEYS: Final = 100_000
REALTIME_MAP_BYTES: Final = 64 * 1024 * 1024
REALTIME_MAPS_BYTES: Final = 512 * 1024 * 1024
# A43: one key of a map.
REALTIME_MAP_KEY_BYTES: Final = 255
# Changes that one map keeps for those who return.
REALTIME_MAP_STREAM: Final = 100_000
# Entries of a page of a map, whoever asks for it.
REALTIME_MAP_PAGE: Final = 1000
# F20: a page of a map ends where it has so many bytes, which wait for who reads slowly.
REALTIME_MAP_PAGE_BYTES: Final = 512 * 1024
# F20: changes that wait for a client which still reads the pages of a map without a stream; then 3008.
REALTIME_MAP_BEHIND: Final = 5000
# Keys of one map that are removed in one step when their time is over.
REALTIME_MAP_EXPIRED: Final = 1000
# Nodes of a tags filter.
TAG_FILTER_NODES: Final = 64
# Bytes of a publication's tags.
REALTIME_TAGS_BYTES: Final = 4096
# A publication that the server API brings, and a whole request of it.
REALTIME_API_BYTES: Final = 4 * 1024 * 1024
# Commands of one request of the server API, and how long all of them may take.
REALTIME_API_COMMANDS: Final = 10_000
REALTIME_API_S: Final = 10.0
# An idempotency key, a version's epoch or a token's id that the server API brings.
REALTIME_API_KEY_BYTES: Final = 255
# RFC 6455 section 5.5: the reason of a disconnect goes into a close frame.
REALTIME_REASON_BYTES: Final = 123
# Connections in one list, and channels in one.
REALTIME_LISTED: Final = 10_000
# Events of occupied and vacated channels that wait for a backend that is away; the oldest go.
REALTIME_STATE_EVENTS: Final = 10_000
# A27: keys of one key set, bytes of it, and how long it is believed.
JWKS_KEYS: Final = 64
JWKS_BYTES: Final = 256 * 1024
JWKS_S: Final = 3600.0
# A27: an unknown key id does not make us ask for the key set more often than this.
JWKS_AGAIN_S: Final = 10.0
# How long a key set may take: who waits for it gets an answer before it is stale.
JWKS_ANSWER_S: Final = 5.0
# Questions to backends of proxies at a time; more wait, within the proxy's own time-out.
REALTIME_PROXY_AT_ONCE: Final = 256
# A connection or subscription whose backend did not answer its refresh goes on for this long.
REALTIME_PROXY_AGAIN_S: Final = 60.0
# Proxies, and headers that one of them passes on.
REALTIME_PROXIES: Final = 256
REALTIME_PROXY_HEADERS: Final = 64
# A57: keys of shared polls that one server follows, and one key; beyond it error 106.
REALTIME_POLL_KEYS: Final = 200_000
REALTIME_POLL_KEY_BYTES: Final = 1024
# A57: what all shared polls together keep of their keys' data; of what is more only a digest is kept.
REALTIME_POLL_KEPT_BYTES: Final = 64 * 1024 * 1024
# A57: one answer of a backend to a shared poll.
REALTIME_POLL_BYTES: Final = 4 * 1024 * 1024
# Questions of all shared polls at a time, unless set otherwise; waiting for a turn and the answer together.
REALTIME_POLLS_AT_ONCE: Final = 64
REALTIME_POLL_TURN_S: Final = 90.0
# F13: a backend of a shared poll that does not answer is asked again within this, or its interval if longer.
REALTIME_POLL_BACKOFF_S: Final = 60.0
# A27: a signature of tracked keys, and how long one that has expired is still taken.
REALTIME_SIGNATURE_BYTES: Final = 128
REALTIME_SIGNATURE_GRACE_S: Final = 5.0
# A33: users that are blocked, and tokens that are revoked, remembered until nothing of theirs is valid.
REALTIME_BLOCKED: Final = 100_000

# --- accounts ----------------------------------------------------------------------------------------
# The one-time link.
LOGIN_LINK_S: Final = 15 * 60.0
# A27: a token as text.
TOKEN_BYTES: Final = 8 * 1024
# A30: failures of one account or address before the login answers 429.
LOGIN_FAILURES_PER_MINUTE: Final = 10
# A30: password hashes computed at once; each takes 64 MB and a core.
PASSWORD_HASHES_AT_ONCE: Final = 2
# Browsers in which one account is signed in; the eldest is signed out.
SESSIONS_PER_ACCOUNT: Final = 100
# Channels that one member may own.
CHANNELS_PER_ACCOUNT: Final = 100
# Stream keys of one channel that are in use.
KEYS_PER_CHANNEL: Final = 50
# API tokens of one account.
TOKENS_PER_ACCOUNT: Final = 50
# Pages that follow the event feed at once.
FEED_VIEWERS: Final = 100_000
# What may wait for one such page before it is let go.
FEED_BACKLOG_BYTES: Final = 256 * 1024
# Facts about streams that wait for a slow database; beyond it the eldest are counted and dropped.
PENDING_FACTS: Final = 10_000
# A65: unknown names cost the database one look at its change counter in so long, however many are asked.
LOOK_EVERY_S: Final = 0.02
# F13: how long an unknown name waits for the database before memory decides.
LOOK_AGAIN_S: Final = 2.0
# A61: pixels of an uploaded picture in each direction, read before it is decoded.
AVATAR_PIXELS_MAX: Final = 4096
# A61: the picture that is kept.
AVATAR_PIXELS: Final = 512

# --- chat --------------------------------------------------------------------------------------------
# A57: messages of one user in CHAT_RATE_S.
CHAT_USER_MESSAGES: Final = 5
# A57: messages from one address in CHAT_RATE_S.
CHAT_PEER_MESSAGES: Final = 20
# A57: methods other than sending, of one user in CHAT_RATE_S.
CHAT_USER_CALLS: Final = 30
# A57: what messages and calls are counted over.
CHAT_RATE_S: Final = 10.0
# A13: graphemes and bytes of one message.
CHAT_MESSAGE_GRAPHEMES: Final = 500
CHAT_MESSAGE_BYTES: Final = 4096
# Messages that a room keeps in memory: what a snapshot shows, with a reserve for deletions.
CHAT_ROOM_MESSAGES: Final = 300
# Messages of a new snapshot.
CHAT_SNAPSHOT_MESSAGES: Final = 100
# A room's publications that a client may catch up with; beyond it the snapshot replaces the view.
CHAT_RECOVERY: Final = 300
# Nonces that a room remembers.
CHAT_NONCES: Final = 1000
# Texts that a room remembers for its unique mode.
CHAT_UNIQUE_TEXTS: Final = 5000
# Pinned messages of one room.
CHAT_PINS: Final = 5
# Commits of the chat's log that wait for a slow disk; beyond it error 100.
CHAT_LOG_PENDING: Final = 20_000
# Messages that wait for approval in one room; the sender beyond it is refused.
CHAT_HELD: Final = 1000
# People that a room remembers after they left, for slow mode and nicknames.
CHAT_REMEMBERED: Final = 20_000
# A room that nobody is in is forgotten after this; it is opened again from the log.
CHAT_ROOM_IDLE_S: Final = 120.0
# A room runs on the node that holds its lease, which is renewed at a third of this; a node that died gives
# its rooms up after it.
CHAT_LEASE_S: Final = 10.0
# A command for a room of another node, from asking who runs it to the answer.
CHAT_FORWARD_S: Final = 5.0
# A node that the broker says nobody listens for gives its rooms up after this: longer than it takes to
# connect anew.
CHAT_DEAF_S: Final = 2.0
# Connections of another node that a room counts.
CHAT_ROSTER: Final = 20_000

# --- webhooks ----------------------------------------------------------------------------------------
# Webhooks of one channel.
WEBHOOKS_PER_CHANNEL: Final = 20
# Events of one request.
WEBHOOK_BATCH: Final = 100
# A9: a receiver that does not answer.
WEBHOOK_S: Final = 10.0
# Deliveries under way at a time; more wait for their turn.
WEBHOOKS_AT_ONCE: Final = 16

# --- outbound ----------------------------------------------------------------------------------------
# A9: an outbound request, redirects included, from its first look-up to its last byte.
OUTBOUND_S: Final = 10.0
# A9: what is read of an answer.
OUTBOUND_BYTES: Final = 1024 * 1024
# A8: redirects that are followed, each judged anew.
OUTBOUND_REDIRECTS: Final = 3
# Outbound requests at a time; more wait, within their own deadline.
OUTBOUND_AT_ONCE: Final = 64
# Connections to the operator's own backends that stay open, to so many names, for so long: servers keep
# theirs for five seconds and more.
OUTBOUND_KEPT: Final = 64
OUTBOUND_KEPT_NAMES: Final = 64
OUTBOUND_KEPT_S: Final = 4.0

# --- processes ---------------------------------------------------------------------------------------
# A child that was asked to end and does not.
PROCESS_END_S: Final = 3.0
# What is kept of what a child writes to standard error: its end.
PROCESS_WORDS_BYTES: Final = 4096
# What is read of a child's output where it is read whole.
PROCESS_OUTPUT_BYTES: Final = 16 * 1024 * 1024
# F11: a child that crashes again and again is started after 1, 2, 4 .. s, at most this.
PROCESS_BACKOFF_S_MAX: Final = 30.0
# F11: after so many crashes within so many seconds it is left alone.
PROCESS_FAILURES: Final = 5
PROCESS_FAILURES_S: Final = 300.0

# --- money, polls and effects ------------------------------------------------------------------------------
# Letters of the nonce by which an order that was sent twice is one order.
SUPERCHAT_NONCE: Final = 64
# A57: orders of one person in a channel that wait for money.
SUPERCHAT_OPEN: Final = 20
# People in a channel's ranking.
SUPERCHAT_RANKING: Final = 50
# A45: a provider's webhook.
PAYMENT_WEBHOOK_BYTES: Final = 64 * 1024
# Stripe's own tolerance: a signature older than this is replayed.
PAYMENT_SIGNATURE_S: Final = 300.0
# Payments that the rehearsal provider remembers.
REHEARSALS: Final = 1_000
# A57: effects of one person, and of a room, in EFFECT_RATE_S.
EFFECT_USER: Final = 5
EFFECT_ROOM: Final = 40
EFFECT_RATE_S: Final = 10.0
# A poll's choices, the letters of its question and of each choice, and how long it may run.
POLL_CHOICES: Final = 10
POLL_LETTERS: Final = 120
POLL_CHOICE_LETTERS: Final = 60
POLL_S: Final = 86_400
# A poll's counts are published once in so many seconds.
POLL_TICK_S: Final = 1.0
# Votes kept in memory of a poll that runs; more are in its table alone.
POLL_VOTES: Final = 200_000
# A room's own words of the filter, and its patterns.
FILTER_WORDS: Final = 2_000
FILTER_WORD_LETTERS: Final = 100
FILTER_PATTERNS: Final = 50
FILTER_PATTERN_LETTERS: Final = 200
# Places with listed words that the filter reads in one message; with more of them all of it is one hit, so
# that a flood of curses costs no more than some.
FILTER_HITS: Final = 100
# Alerts that an overlay's secret may be asked for, by test buttons, in EFFECT_RATE_S.
OVERLAY_TESTS: Final = 10

# --- logs --------------------------------------------------------------------------------------------
# A64: log lines of one kind in a second; more are counted, so that no flood of peers fills the disk.
LOG_LINES_PER_S: Final = 100

# --- metrics -----------------------------------------------------------------------------------------
# A65: streams with a label of their own; more are summed.
METRIC_STREAMS: Final = 1000

# --- shutdown ----------------------------------------------------------------------------------------
# F25: SIGTERM to exit.
DRAIN_S: Final = 10.0
# F26: second SIGTERM to exit.
FORCED_EXIT_S: Final = 3.0
