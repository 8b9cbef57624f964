"""The Socket.IO and Engine.IO protocols."""
