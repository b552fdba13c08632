"""From a data set on disk to an index, a split and slices."""
