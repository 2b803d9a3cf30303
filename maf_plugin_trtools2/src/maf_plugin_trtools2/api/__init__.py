"""Market data asked for over HTTP: the source `trtools2_api`."""
