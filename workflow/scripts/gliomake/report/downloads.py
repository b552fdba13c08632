"""Files that a page carries along, so that whoever has the page alone can take them out."""

import base64
from pathlib import Path


def data_url(kind: str, content: bytes) -> str:
    """Write content into a ``data:`` address.

    Parameters
    ----------
    kind : str
        Its media type.
    content : bytes
        Taken as it is.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def download(path: Path, kind: str, name: str = "") -> dict[str, str]:
    """Describe a link that saves a file, byte for byte.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Its media type.
    name : str
        What to save it as; by default its own name.

    Returns
    -------
    dict
        ``name href``.
    """
    return {"name": name or path.name, "href": data_url(kind, path.read_bytes())}
