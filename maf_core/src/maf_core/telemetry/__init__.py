"""Traces and metrics for those who configure them; by default nothing is kept, sent or listened for."""
