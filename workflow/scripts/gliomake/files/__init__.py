"""The files between the stages: how each is named, written, read and checked."""
