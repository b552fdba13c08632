"""All scores by their names in files: of counts, of distances, of lesions."""

from gliomake.scoring.metrics import COUNT_METRICS, DISTANCE_METRICS, Metric
from gliomake.scoring.patient_metrics import LESION_METRICS

METRICS: dict[str, Metric] = {**COUNT_METRICS, **DISTANCE_METRICS, **LESION_METRICS}


def is_share(name: str) -> bool:
    """Return whether a metric is a share from 0 to 1, and not a length.

    >>> is_share("dice"), is_share("hd95"), is_share("tversky-a0.3-b0.7")
    (True, False, True)
    """
    return name not in METRICS or not METRICS[name].unit


def is_lower_better(name: str) -> bool:
    """Return whether the lower of two values of a metric is the better one.

    >>> is_lower_better("hd95"), is_lower_better("dice"), is_lower_better("tversky-a0.3-b0.7")
    (True, False, False)
    """
    return name in METRICS and METRICS[name].better == "lower"
