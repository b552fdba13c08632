"""Predictions made elsewhere: found, read, held against the truth, and scored like our own.

A source reads one form of them. It knows the data set's cases and gives for each case an array on
the grid of its truth, as the data set's reader gives it. Nothing is resampled: another grid is an
error. What is not there counts as empty, and is listed.
"""

from gliomake.brought.source import Found, Source, SourceError, open_source

__all__ = ["Found", "Source", "SourceError", "open_source"]
