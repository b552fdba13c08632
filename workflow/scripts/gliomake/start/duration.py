"""How long something takes, in words."""


def duration(seconds: float) -> str:
    """Write a span of time.

    Parameters
    ----------
    seconds : float
        At least 0.

    Returns
    -------
    str
        Tenths below ten seconds, then whole seconds, minutes, hours.

    Examples
    --------
    >>> duration(3.14), duration(59.7), duration(125), duration(7322)
    ('3.1 s', '1 min 00 s', '2 min 05 s', '2 h 02 min')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
