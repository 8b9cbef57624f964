"""The Centrifugo client protocol, JSON and Protobuf."""
