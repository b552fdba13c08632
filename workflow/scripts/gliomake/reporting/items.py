"""The 44 items of CLAIM 2024, by number; what they ask stands here in our own words.

Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for Artificial Intelligence in Medical Imaging
(CLAIM): 2024 Update. Radiology: Artificial Intelligence 2024;6(4):e240300. Its own text is
protected: read it there before a checklist is handed in.
"""

from typing import NamedTuple


class Item(NamedTuple):
    """One item: its number, where in a paper it belongs, and what it asks."""

    number: int
    part: str
    asks: str


_ASKED = {
    "Title and abstract": (
        "kind of AI named in the title or abstract",
        "structured abstract",
    ),
    "Introduction": (
        "background, and what the tool is meant for",
        "aims and hypotheses",
    ),
    "Study design": (
        "prospective or retrospective",
        "goal of the study",
    ),
    "Data": (
        "where the data come from",
        "who was included and who was not",
        "preprocessing",
        "which part of the data was used",
        "how the data were de-identified",
        "what was done about missing data",
        "how the images were acquired",
    ),
    "Reference standard": (
        "how the true masks were made",
        "why this reference was chosen",
        "who made the true masks",
        "how the test set was annotated",
        "agreement between annotators",
    ),
    "Data partitions": (
        "how cases were dealt to training, validation and test",
        "at which level these sets are disjoint",
    ),
    "Testing data": ("size of the test set, and why",),
    "Model": (
        "the model: architecture, inputs, outputs",
        "software",
        "initial weights",
    ),
    "Training": (
        "training: augmentation, settings, epochs",
        "how the final weights were chosen",
        "ensembles",
    ),
    "Evaluation": (
        "measures of performance",
        "uncertainty and significance",
        "robustness and sensitivity",
        "explanations of the model's decisions",
        "evaluation on internal data",
        "testing on external data",
        "trial registration",
    ),
    "Results: data": (
        "numbers included and excluded",
        "demographic and clinical facts of each set",
    ),
    "Results: performance": (
        "performance with its uncertainty",
        "diagnostic performance with its precision",
        "failures",
    ),
    "Discussion": (
        "limitations",
        "what it means for practice",
    ),
    "Other information": (
        "protocol or technical details",
        "availability of software, models and data",
        "funding",
    ),
}  # fmt: skip

ITEMS = tuple(
    Item(number, part, asks)
    for number, (part, asks) in enumerate(
        ((part, asks) for part, asked in _ASKED.items() for asks in asked), start=1
    )
)
