"""Captions of figures: what is shown, how it was chosen, what to look for.

A kind's caption stands in `gliomake.study.kinds`; here are the words that it takes from the study.
Imported whenever the workflow starts, so it needs the standard library only.
"""

from gliomake.study.kinds import KINDS
from gliomake.study.model import Study
from gliomake.study.names import display_name
from gliomake.study.targets import Target

SIZES = 3
"""Rows of a figure of masks that are chosen by size; the others are the worst."""


def figure_caption(study: Study, name: str, scale: str) -> str:
    """Write the caption of a figure.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        One of its figures.
    scale : str
        ``demo`` or ``paper``.

    Returns
    -------
    str
        Two or three sentences; nothing where its kind has none.
    """
    target = Target.declared(study, "figures", name)
    caption = KINDS[target.kind].caption
    return " ".join(caption.format_map(_words(study, target, scale)).split())


def _words(study: Study, target: Target, scale: str) -> dict[str, str]:
    options, patients = target.options, study.data.patients
    models = listed([display_name(model) for model in target.models])
    unit = "slice" if patients else "image"
    beside = ", and beside it the mask alone" if options.get("view") == "beside" else ""
    return {
        "models": models,
        "Models": models,
        "unit": unit,
        "units": f"{unit}s",
        "Units": f"{unit}s".capitalize(),
        "beside": beside,
        "same": "the same " if len(target.models) > 1 else "",
        "spread": _spread(patients),
        "case": _case(target),
        "slice": _slice(target),
        "worst": _worst(target, unit, patients),
        "narrow": "At demo scale a network may be narrower than the original. "
        if scale == "demo"
        else "",
        "threshold": f"{study.threshold:g}",
        "label": str(options.get("label", "")),
        "metric": {"iou": "IoU"}.get(options.get("metric", ""), "Dice"),
        "show": (
            "one on which the classifier finds no tumour"
            if options.get("show") == "no-tumour"
            else "the one on which most of a tumour is found"
        ),
    }


def listed(words: list[str]) -> str:
    """Join words as in a sentence.

    Parameters
    ----------
    words : list of str
        Any number.

    Returns
    -------
    str
        With commas, and ``and`` before the last.

    Examples
    --------
    >>> listed(["U-Net"]), listed(["a", "b", "c"])
    ('U-Net', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _spread(patients: bool) -> str:
    if not patients:
        return "They are spread evenly over the list of all"
    return (
        "Patients are spread evenly over the list of all, and of each the largest tumour is shown"
    )


def _case(target: Target) -> str:
    wanted = target.options.get("case")
    if wanted is None:
        return "Shown is the volume of lowest number that holds every class."
    slice_ = f", slice {target.options['slice']}" if "slice" in target.options else ""
    return (
        f"Shown is volume {wanted}{slice_} where the data hold it; else the nearest volume with "
        "every class stands in for it, and the title says so."
    )


def _slice(target: Target) -> str:
    if "slice" in target.options:
        return f"The slice is the one nearest to number {target.options['slice']}."
    return "Of its slices with most classes the one is shown whose smallest class is largest."


def _worst(target: Target, unit: str, patients: bool) -> str:
    if target.options.get("count", 5) <= SIZES:
        return ""
    mean = " (mean over the models)" if len(target.models) > 1 else ""
    others = ", then the worst of another patient" if patients else ""
    return (
        f", then the worst: the {unit} of lowest Dice{mean} of all with tumour, of missed tumours "
        f"the largest{others}"
    )
