"""The JSON of a COCO folder: its images, annotations and categories, checked for what is used."""

import json
import reprlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from gliomake.datasets.base import CaseError
from gliomake.datasets.root import DataRoot

_LARGEST = 2**63 - 1  # of a whole number in a table


@dataclass(frozen=True)
class Category:
    """A category as a JSON lists it."""

    name: str
    supercategory: str


@dataclass(frozen=True)
class Content:
    """What a JSON says.

    Attributes
    ----------
    images : list of dict
        With ``id``, ``height``, ``width`` (whole numbers) and ``file_name``, sorted by id.
    annotations : list of dict
        With ``image_id``; all else is unchecked.
    categories : dict of int to Category
        By their ids.
    """

    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: dict[int, Category]


def read_content(root: DataRoot, path: Path) -> Content:
    """Read a JSON in UTF-8, -16 or -32, with or without a byte order mark.

    Raises
    ------
    CaseError
        It may not be read, or is not COCO's.
    """
    data = root.read_bytes(path, "")
    try:
        content = json.loads(data, object_pairs_hook=_unique)
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__} where an object is expected")
        images = [_image(item) for item in _list(content, "images")]
        annotations = [_annotation(item) for item in _list(content, "annotations")]
        categories = _categories(_list(content, "categories"))
    except RecursionError as error:
        raise _unreadable(path, "nested too deeply") from error
    except UnicodeDecodeError as error:
        reason = f"no text in UTF-8 or UTF-16: {error.reason} at byte {error.start}"
        raise _unreadable(path, reason, "save it as UTF-8, or export it again") from error
    except ValueError as error:
        raise _unreadable(path, str(error)) from error
    return Content(sorted(images, key=lambda item: item["id"]), annotations, categories)


def _unreadable(path: Path, reason: str, advice: str = "") -> CaseError:
    return CaseError(
        "",
        path,
        f"unreadable JSON ({reason})",
        "COCO format",
        advice or "correct the JSON or export it again",
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {double!r} twice in one object")
    return found


def _list(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    if key not in content:
        raise ValueError(f"no key {key!r}")
    items = content[key]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{key!r} is {reprlib.repr(items)}, not a list of objects")
    return items


def _is_whole(value: Any) -> TypeGuard[int]:
    return type(value) is int and abs(value) <= _LARGEST


def _image(item: dict[str, Any]) -> dict[str, Any]:
    sizes = {key: item.get(key) for key in ("id", "height", "width")}
    if not all(_is_whole(size) and (size > 0 or key == "id") for key, size in sizes.items()):
        raise ValueError(f"an image with {reprlib.repr(sizes)}")
    name = item.get("file_name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"image {sizes['id']} with file name {reprlib.repr(name)}")
    return item


def _annotation(item: dict[str, Any]) -> dict[str, Any]:
    if not _is_whole(item.get("image_id")):
        raise ValueError(f"an annotation of image id {reprlib.repr(item.get('image_id'))}")
    return item


def _categories(items: list[dict[str, Any]]) -> dict[int, Category]:
    categories: dict[int, Category] = {}
    for item in items:
        number, name = item.get("id"), item.get("name")
        if not _is_whole(number) or not isinstance(name, str | int):
            raise ValueError(f"a category with id, name {reprlib.repr((number, name))}")
        if number in categories:
            raise ValueError(f"two categories of id {number}")
        above = item.get("supercategory")
        categories[number] = Category(_text(name), _text(above) if above else "")
    return categories


def _text(value: Any) -> str:
    """Return a text that can be written; half a character becomes its escape."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def named(item: dict[str, Any]) -> str:
    """Give what a message calls an annotation."""
    return f"annotation {reprlib.repr(item.get('id'))}"


def count_annotations(content: Content) -> Counter[str]:
    """Count the annotations of each category, by its name; all are there, some with 0."""
    counts = Counter({category.name: 0 for category in content.categories.values()})
    for item in content.annotations:
        category = item.get("category_id")
        if type(category) is int and category in content.categories:
            counts[content.categories[category].name] += 1
    return counts
