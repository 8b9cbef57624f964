"""The crowd's words: messages, roles, moderation, effects; knows nothing of video."""
