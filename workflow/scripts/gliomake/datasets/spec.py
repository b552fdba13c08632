"""What a data set is: the one description from which channels, classes, colours and options follow.

A page, ``config/datasets/<id>.yaml``, becomes a `DatasetSpec`; see `gliomake.study.datasets`.
Imported whenever the workflow starts, so it needs the standard library only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Okabe and Ito's palette, which most kinds of colour vision tell apart; for classes without one.
PALETTE = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#F0E442", "#0072B2")
PHANTOM = "phantom"
COMMON = ("links", "limits")
BRATS = ("channel_order", "layout", "release", "geometry")
GENERIC = ("files", "mask", "patient", "strata", "orientation")

# Which reader takes which keys of a page beyond those of all; the first block is for sets whose
# layout, names and special checks are known by code.
PUBLISHED: dict[str, tuple[str, tuple[str, ...]]] = {
    "lgg": ("images", ()),
    "brats2020": ("nifti", BRATS),
    "brats2021": ("nifti", BRATS),
    "coco": ("coco", ("categories",)),
}
READERS: dict[str, tuple[str, ...]] = {
    "nifti": (*GENERIC, "geometry", "ignore_labels"),
    "images": (*GENERIC, "ignore_labels"),
    "coco": ("patient",),
    "slices-h5": tuple(key for key in GENERIC if key != "mask"),
}
ORIENTATIONS: dict[str, tuple[str, ...]] = {
    "nifti": ("LPS", "stored"),
    "images": ("upright", "transposed"),
    "coco": ("upright",),
    "slices-h5": ("upright", "transposed"),
}
"""What a reader's slices may be; the first is the default."""


@dataclass(frozen=True)
class ClassSpec:
    """A class of a data set's masks.

    Attributes
    ----------
    name : str
        As studies, tables and files name it.
    labels : tuple of int or str
        Values of the mask (COCO: names of categories) that belong to it; empty where the layout
        says so.
    colour : str
        ``#rrggbb``, in figures and in the report's viewer.
    title : str
        What legends call it.
    """

    name: str
    labels: tuple[int | str, ...]
    colour: str
    title: str


@dataclass(frozen=True)
class DataFacts:
    """What a study must know of its data set.

    Attributes
    ----------
    reader : str
        The entry of `gliomake.datasets.DATASETS` that reads it.
    channel : str
        The channel shown of the study's slices, on which the threshold baseline is as well.
    display : str
        The channel shown of raw data.
    transposed : bool
        Whether pictures swap height and width, see `gliomake.figures.images.upright`.
    colours, titles : dict of str to str
        By class.
    baseline : str
        The threshold baseline's name.
    folders, patients : bool
        As those of `DatasetSpec`.
    """

    reader: str
    channel: str
    display: str
    transposed: bool
    colours: Mapping[str, str]
    titles: Mapping[str, str]
    baseline: str
    folders: bool
    patients: bool


@dataclass(frozen=True)
class DatasetSpec:
    """A data set.

    Attributes
    ----------
    id, title : str
        The page's name, and a heading.
    reader : str
        A key of `READERS`.
    published : str
        A key of `PUBLISHED` where it is such a set; else empty.
    root : str
        `PHANTOM`, or the folder that holds the data.
    channels : dict of str to str
        Name to what stands in file names; none of a set that has masks alone.
    classes : tuple of ClassSpec
        In the order of masks and tables.
    display : str
        The channel that figures, the viewer and the threshold baseline show.
    orientation : str
        How slices lie, one of the reader's `ORIENTATIONS`.
    on_bad_case : str
        ``fail`` or ``skip``.
    groups : int
        Number of jobs that the cases are dealt to.
    options : dict
        What else the reader takes.
    source, terms : str
        Who made it and where it is to be had; under what terms. Empty where the page does not say.
    strata_title : str
        What the strata of ``cases.tsv`` are, such as grade; empty where the page does not say.
    """

    id: str
    title: str
    reader: str
    published: str
    root: str
    channels: Mapping[str, str]
    classes: tuple[ClassSpec, ...]
    display: str
    orientation: str
    on_bad_case: str = "fail"
    groups: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    terms: str = ""
    strata_title: str = ""

    @classmethod
    def of(cls, page: Mapping[str, Any]) -> "DatasetSpec":
        """Read a page that keeps to its schema; what it leaves out has its default."""
        given = page["channels"]
        channels = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
        first = "flair" if "flair" in channels else next(iter(channels), "")
        published = page.get("published", "")
        return cls(
            id=page["id"],
            title=page["title"],
            reader=page["reader"],
            published=published,
            root=page["root"],
            channels=channels,
            classes=_classes(page["classes"]),
            display=page.get("display", first),
            orientation=page.get("orientation", ORIENTATIONS[page["reader"]][0]),
            on_bad_case=page.get("on_bad_case", "fail"),
            groups=page.get("groups", 2),
            options={key: page[key] for key in taken(page["reader"], published) if key in page},
            source=page.get("source", ""),
            terms=page.get("terms", ""),
            strata_title=page.get("strata_title", ""),
        )

    @property
    def kind(self) -> str:
        """The entry of `gliomake.datasets.DATASETS` that reads it."""
        return self.published or self.reader

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names, in order."""
        return tuple(each.name for each in self.classes)

    @property
    def folders(self) -> bool:
        """Whether it comes in folders for training, validation and test, which are its split."""
        return self.reader == "coco"

    @property
    def patients(self) -> bool:
        """Whether it says which patient an image is of."""
        return self.reader != "coco" or "patient" in self.options

    def reader_options(self) -> dict[str, Any]:
        """Give what `gliomake.datasets.open_dataset` takes besides id and root.

        Titles, colours and the channel shown are no part of it: they change no index and no slice.
        """
        named = {"name": self.id} if self.reader == "coco" else {}
        if self.published:
            options = dict(self.options)
            own = {"reader": self.published, **named}
            return options if self.published == self.id else own | options
        return {
            "reader": self.reader,
            **named,
            "channels": dict(self.channels),
            "classes": {each.name: list(each.labels) for each in self.classes},
            **self.options,
        }

    @property
    def about(self) -> dict[str, str]:
        """What the page says in words: ``title``, and as far as they are stated, others."""
        said = {"title": self.title, "source": self.source, "terms": self.terms}
        said["strata"] = self.strata_title
        return {name: text for name, text in said.items() if text}

    def facts(self, channels: Sequence[str]) -> DataFacts:
        """Say what a study that takes these channels must know of the data set.

        Parameters
        ----------
        channels : sequence of str
            The channels that its slices hold.

        Returns
        -------
        DataFacts
            A study's ``data``.
        """
        channel = self.display if self.display in channels else next(iter(channels), "")
        # Results of the published sets keep the name under which they are known.
        flair = channel == "flair" or self.published
        return DataFacts(
            reader=self.kind,
            channel=channel,
            display=self.display,
            transposed=self.orientation not in ("upright",),
            colours={each.name: each.colour for each in self.classes},
            titles={each.name: each.title for each in self.classes},
            baseline="flair-threshold" if flair else "intensity-threshold",
            folders=self.folders,
            patients=self.patients,
        )


def taken(reader: str, published: str = "") -> tuple[str, ...]:
    """List the keys of a page that a reader takes, beyond those of every page."""
    if published:
        return (*PUBLISHED[published][1], *COMMON)
    return (*READERS[reader], *COMMON)


def _classes(classes: Mapping[str, Any]) -> tuple[ClassSpec, ...]:
    """Give the classes; one without a colour has the next of the palette that no other has."""
    blocks = {name: block or {} for name, block in classes.items()}
    used = {block["colour"].upper() for block in blocks.values() if "colour" in block}
    free = [colour for colour in PALETTE if colour not in used] or list(PALETTE)
    found = []
    for name, block in blocks.items():
        colour = block.get("colour")
        if colour is None:
            colour = free[0]
            free = [*free[1:], colour]
        labels = tuple(block.get("labels", ()))
        found.append(ClassSpec(name, labels, colour, block.get("title", name)))
    return tuple(found)


def class_colour(data: DataFacts, name: str) -> str:
    """Give the colour of a study's class, ``#rrggbb``.

    Parameters
    ----------
    data : DataFacts
        A study's ``data``.
    name : str
        The class; one that stands for any label and is on no page has the first of `PALETTE`.
    """
    return str(data.colours.get(name, PALETTE[0]))


def grouped(pattern: str) -> str:
    """Say what is wrong with a regular expression whose first group is taken; else nothing."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        return f"{error}"
    return "" if groups else "no group: put the part that is meant in parentheses"
