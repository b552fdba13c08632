"""The command ``gliomake score``: folders of truth and predictions made into a study, and built."""
