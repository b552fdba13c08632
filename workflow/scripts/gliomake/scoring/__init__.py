"""From predicted masks to counts, scores, intervals and comparisons."""
