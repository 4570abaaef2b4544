"""Audio features that nobody measured, estimated from the songs around."""
