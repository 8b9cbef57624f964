"""The Socket.IO and Engine.IO protocols. Empty so far."""
