"""The MAF arena that decides BUY, HOLD or SELL for a ticker."""
