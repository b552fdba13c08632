"""The web page as a figure: a screenshot, or its panels drawn where there is no browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from gliomake.figures import style
from gliomake.files.predictions import gate_closes, open_predictions, to_mask
from gliomake.files.shards import load_arrays
from gliomake.infer.describe import ModelError, read_description
from gliomake.study.targets import TargetSpec

SHOWS = ("tumour", "no-tumour")
WINDOW = (1280, 1200)
PATIENCE = 120
"""Seconds that server and page may take on a busy machine."""

_CHROMIUM = (
    "headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "hide-scrollbars",
    "disable-background-networking", "no-first-run",
)  # fmt: skip
_DRAWN = "drawn without a browser: with Chromium and chromedriver it is a screenshot of the page"


def app_figure(spec: TargetSpec) -> Figure:
    """Show the web page with a test slice.

    Parameters
    ----------
    spec : TargetSpec
        Two models, a segmenter and the classifier before it. Option ``show``: ``tumour``, the slice
        on which most of a tumour is found, or ``no-tumour``, one on which the gate is closed.

    Returns
    -------
    Figure
        A screenshot where streamlit, Chromium and chromedriver are there; else the same panels.

    Raises
    ------
    ValueError
        Another option.
    """
    show = spec.options["show"]
    if show not in SHOWS:
        raise ValueError(f"app figure of {show!r}: expected one of {', '.join(SHOWS)}")
    segmenter, classifier = (_read(spec.inputs["predictions"][m]) for m in spec.models)
    keys = pd.DataFrame({"patient": segmenter.patient, "slice": segmenter.slice})
    arrays = load_arrays(spec.inputs["shards"], keys)
    gate = classifier.probability[:, 0, 0, 0].astype(np.float64)
    closed = gate_closes(gate, spec.study.gate.threshold)  # type: ignore[union-attr]  # checked
    truth = np.asarray(arrays.mask.any(axis=1))
    row = _choose(segmenter, truth, closed, show)
    folder = Path(spec.inputs["model"][spec.models[0]]).parent
    picture = _screenshot(folder, f"{segmenter.patient[row]}/{segmenter.slice[row]}")
    if picture is not None:
        return _framed(picture, show)
    mask = to_mask(segmenter.probability[row].max(axis=0), spec.study.threshold)
    shown = arrays.image[row, spec.study.preprocess.channels.index(spec.study.data.channel)]
    return _drawn(shown, truth[row], mask & ~closed[row], float(gate[row]), bool(closed[row]))


class _Found(NamedTuple):
    """What a model found, one row a slice: ``probability`` is (slice, class, height, width)."""

    patient: list[str]
    slice: list[int]
    subset: list[str]
    probability: np.ndarray


def _read(path: Path) -> _Found:
    with open_predictions(path) as file:
        return _Found(
            file["patient"].asstr()[:].tolist(),
            file["slice"][:].tolist(),
            file["subset"].asstr()[:].tolist(),
            file["probability"][:],
        )


def _choose(found: _Found, truth: np.ndarray, closed: np.ndarray, show: str) -> int:
    """Choose a test slice that shows what is asked for; the nearest to it where there is none."""
    test = np.array(found.subset) == "test"
    pixels = truth.reshape(len(truth), -1).sum(axis=1)
    if show == "no-tumour":
        rows = np.flatnonzero(test & closed & (pixels == 0))
        rows = rows if len(rows) else np.flatnonzero(pixels == pixels.min())
        return int(rows[len(rows) // 2])
    hit = to_mask(found.probability.max(axis=1), 0.5) & truth
    amount = hit.reshape(len(hit), -1).sum(axis=1)
    return int(np.where(test & ~closed, amount, -1).argmax())


def _framed(picture: np.ndarray, show: str) -> Figure:
    height, width = picture.shape[:2]
    figure = style.new_figure(style.DOUBLE, style.DOUBLE * height / width + 0.3)
    axes = figure.subplots()
    axes.imshow(picture)
    axes.set_axis_off()
    axes.set_title("The web page" + (", no tumour found" if show == "no-tumour" else ""))
    return figure


def _drawn(
    image: np.ndarray, truth: np.ndarray, mask: np.ndarray, gate: float, closed: bool
) -> Figure:
    """Draw the panels of the page."""
    figure = style.new_figure(style.DOUBLE, 2.6)
    words = (
        f"No tumour: the classifier's probability of tumour is {gate:.2f}"
        if closed
        else f"{int(mask.sum())} pixels of tumour, probability of tumour {gate:.2f}"
    )
    colour = style.VERMILION if closed else style.BLACK
    figure.suptitle(f"{words}\n({_DRAWN})", color=colour, fontsize=8)
    titles = ("scan", "original mask", "predicted mask", "overlay")
    for axes, title in zip(figure.subplots(1, 4), titles, strict=True):
        axes.set_title(title)
        axes.set_axis_off()
        if title in ("scan", "overlay"):
            axes.imshow(image)
        else:
            axes.imshow(truth if title.startswith("original") else mask, vmin=0, vmax=1)
        if title == "overlay":
            for each, shade in ((truth, style.TRUTH), (mask, style.PREDICTION)):
                if each.any():
                    axes.contour(each, [0.5], colors=[shade], linewidths=0.8)
    return figure


def _screenshot(folder: Path, example: str) -> np.ndarray | None:
    """Return the page with an example, (height, width, 3) uint8; None without a browser."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver or not all(map(find_spec, ("streamlit", "selenium"))):
        return None
    try:
        about = read_description(folder)
    except ModelError:
        return None
    results = folder.resolve().parents[2]
    try:
        with _serving(results) as address, _browser(program, driver) as browser:
            browser.get(f"{address}/?model={about.name}&example={example}")
            _until(lambda: len(browser.find_elements("css selector", "img")) >= 4)
            # The last picture is there before it is painted.
            time.sleep(1)
            picture = Image.open(BytesIO(browser.get_screenshot_as_png())).convert("RGB")
            return np.asarray(picture)
    except Exception as error:
        # A browser that does not start is no reason to have no report.
        print(f"no screenshot ({type(error).__name__}: {error}); its panels are drawn")
        return None


@contextmanager
def _serving(results: Path) -> Iterator[str]:
    """Serve the page on a free port of loopback, as `gliomake app` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    library = str(Path(__file__).parents[3])
    command = [sys.executable, "-m", "gliomake", "app", "--results", str(results)]
    server = subprocess.Popen(
        [*command, "--port", str(port)], env=os.environ | {"PYTHONPATH": library}
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _until(lambda: _answers(f"{address}/_stcore/health"))
        yield address
    finally:
        server.terminate()
        server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@contextmanager
def _browser(program: str, driver: str) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (*_CHROMIUM, f"window-size={WINDOW[0]},{WINDOW[1]}"):
        options.add_argument(f"--{argument}")
    found = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield found
    finally:
        found.quit()


def _until(found: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not found():
        if time.monotonic() > end:
            raise TimeoutError(f"the page was not there within {PATIENCE} s")
        time.sleep(0.2)
