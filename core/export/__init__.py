"""Traces as files for other programs and for people: one file a format, one registry."""
