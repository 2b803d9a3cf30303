"""Redis Streams: connecting, publishing once, consuming in groups, views, events."""
