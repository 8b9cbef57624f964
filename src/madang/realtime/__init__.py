"""The crowd's centre: channels, history, presence and the sessions that subscribe to them."""
