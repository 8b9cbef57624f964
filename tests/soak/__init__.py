"""Half an hour of five publishers and 250 viewers, with a publisher's reconnect each minute."""
