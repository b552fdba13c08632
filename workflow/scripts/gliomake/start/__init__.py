"""The start of the workflow: what was typed, what was asked for, and one start at a time."""
