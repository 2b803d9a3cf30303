"""Market data for MAF: bars, news and strategy events from Redis Streams, and replay from files."""
