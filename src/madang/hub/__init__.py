"""The video's centre: streams, their timeline, their subscribers and their audience."""
