"""The Centrifugo client protocol, version 2: commands, replies and pushes in JSON and Protobuf.

codes       errors, disconnects and unsubscribes by number
messages    what commands ask and replies tell
text        JSON, and how it is framed; `binary` is the same in Protobuf over `wire`
fossil      deltas between publications        tags    filters over a publication's tags
"""
