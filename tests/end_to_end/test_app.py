"""The web page in Chromium: uploads good and bad, the alert, volumes, two visitors at once."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chromium import start_chromium
from PIL import Image
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from checkout import ROOT
from gliomake.infer.inputs import read_scans
from gliomake.infer.model import load_model
from gliomake.infer.predict import predict_scans
from stored_predictions import load_predictions
from unit.infer_models import make_model, save_volume, slice_image, volume

WAIT = 120
STUDY, RUN = "lgg-two-stage", "patient-f0-s0"


@contextmanager
def serving(results: Path):
    """The page on a free port, as `gliomake app` serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gliomake", "app", "--results", str(results)]
    environment = {"PYTHONPATH": str(ROOT / "workflow" / "scripts"), "PATH": "/usr/bin:/bin",
                   "HOME": str(results)}  # fmt: skip
    server = subprocess.Popen([*command, "--port", str(port)], env=environment)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"), "the page is up")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def until(found, what: str):
    """Wait until something is true, and return it."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        try:
            if value := found():
                return value
        except StaleElementReferenceException:
            pass
        time.sleep(0.1)
    raise AssertionError(f"waited {WAIT} s: {what}")


@pytest.fixture(scope="module")
def browsers():
    """Two visitors."""
    pair = [start_chromium(), start_chromium()]
    for browser in pair:
        browser.set_window_size(1440, 1200)
    yield pair
    for browser in pair:
        browser.quit()


@pytest.fixture
def browser(browsers):
    return browsers[0]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A model of pictures and one of volumes, both untrained."""
    root = tmp_path_factory.mktemp("app")
    make_model(root / "results", "unet", seed=3)
    make_model(
        root / "results", "volumes", channels=["flair"], recipe={"intensity": "zscore"},
        spacing=(1, 1, 1), dataset="brats2021", seed=2,
    )  # fmt: skip
    with serving(root / "results") as address:
        yield address


@pytest.fixture(scope="module")
def trained(demo):
    """The demo's models."""
    with serving(demo / "results") as address:
        yield address


def text(browser) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def says(browser, words: str) -> None:
    """Wait until the page, which is drawn from top to bottom, says something."""
    until(lambda: words in text(browser), words)


def visit(browser, address: str, model: str = f"s/unet/{RUN}") -> None:
    browser.get(f"{address}/?model={model}")
    until(lambda: "was trained on" in text(browser), "the model is named")
    until(lambda: inputs(browser) or asked(browser), "the page asks for a file")


def asked(browser) -> bool:
    """Ask for an upload where examples are offered."""
    for radio in browser.find_elements(By.XPATH, "//label[normalize-space()='Upload']"):
        radio.click()
        time.sleep(1)
    return bool(inputs(browser))


def inputs(browser):
    return browser.find_elements(By.CSS_SELECTOR, "input[type=file]")


def upload(browser, path: Path, place: int = 0) -> None:
    inputs(browser)[place].send_keys(str(path))


def metric(browser, title: str) -> str:
    """The number below a title; empty while it is not there."""
    for each in browser.find_elements(By.CSS_SELECTOR, "[data-testid=stMetric]"):
        lines = each.text.split("\n")
        if lines[0] == title:
            return lines[-1]
    return ""


def expected_pixels(folder: Path, path: Path, gate=False) -> int:
    model = load_model(folder, gate=gate)
    (found,) = predict_scans(model, read_scans([path], model.about))
    return int(found.mask.sum())


def save(path: Path, seed=0) -> Path:
    Image.fromarray(slice_image(seed=seed)).save(path)
    return path


def chosen(demo: Path) -> tuple[Path, Path]:
    """A test slice with much tumour, and one without on which the gate closes."""
    folder = demo / "results" / STUDY
    gated = load_predictions(folder / "unet-gated" / RUN / "predictions.h5", "test")
    gate = load_predictions(folder / "resnet50-classifier" / RUN / "predictions.h5", "test")
    table = pd.read_csv(demo / "results" / "data" / "lgg" / "slices.tsv", sep="\t")
    truth = table.set_index(["patient", "slice"])["tumour"]
    pixels = np.array([truth[key] for key in zip(gated.patient, gated.slice, strict=True)])
    closed = gate.probability[:, 0, 0, 0] <= 0.5
    found = (gated.probability >= 0.5).reshape(len(pixels), -1).any(axis=1)
    with_tumour = int(np.argmax(np.where(found, pixels, -1)))
    without = int(np.flatnonzero(closed & (pixels == 0))[-1])
    return tuple(
        picture(demo, gated.patient[row], gated.slice[row]) for row in (with_tumour, without)
    )


def picture(demo: Path, patient: str, number: int) -> Path:
    (path,) = (demo / "resources" / "phantoms" / "lgg").rglob(f"{patient}_{number}.tif")
    return path


def test_a_slice_with_tumour_from_the_demo(browser, trained, demo):
    path, _ = chosen(demo)
    visit(browser, trained, f"{STUDY}/unet/{RUN}")
    upload(browser, path)
    shown = until(lambda: metric(browser, "Pixels of tumour"), "a pixel count")
    folder = demo / "results" / STUDY / "unet" / RUN
    assert int(shown) == expected_pixels(folder, path, gate=True) > 0
    for caption in ("Scan", "Predicted mask", "Overlay"):
        says(browser, caption)
    assert "For research only. Not a medical device" in text(browser)
    assert "Original mask" not in text(browser)
    upload(browser, path.with_name(f"{path.stem}_mask.tif"), 1)
    dice = until(lambda: metric(browser, "Dice, tumour"), "a Dice score")
    assert 0.5 < float(dice) <= 1
    says(browser, "Original mask")


def test_a_slice_without_tumour_raises_the_alert(browser, trained, demo):
    _, path = chosen(demo)
    visit(browser, trained, f"{STUDY}/unet/{RUN}")
    upload(browser, path)
    until(lambda: "No tumour: the classifier's probability" in text(browser), "the alert")
    until(lambda: metric(browser, "Pixels of tumour") == "0", "no pixel")
    alert = browser.find_element(By.CSS_SELECTOR, "[data-testid=stAlertContentError]")
    probability = float(re.search(r"is (\d\.\d\d);", alert.text)[1])
    assert probability <= 0.5
    until(lambda: metric(browser, "Probability of tumour"), "the probability")


def test_examples_of_the_demo_are_there_at_once(browser, trained):
    browser.get(f"{trained}/?model={STUDY}/unet/{RUN}")
    until(lambda: metric(browser, "Dice, tumour"), "an answer to the first example")
    says(browser, "Original mask")


def test_a_volume_is_paged_through_in_three_planes(browser, small, tmp_path):
    path = save_volume(tmp_path / "scan_flair.nii.gz", volume())
    visit(browser, small, f"s/volumes/{RUN}")
    upload(browser, path)
    until(lambda: metric(browser, "Volume"), "a volume")
    assert "cm³" in metric(browser, "Volume")
    for plane, last in (("axial", 4), ("coronal", 39), ("sagittal", 47)):
        browser.find_element(By.XPATH, f"//label[.='{plane}']").click()
        until(lambda last=last: f"{last}" in ends(browser), f"the slices of {plane}")
    first = images(browser)
    sliders(browser)[0].send_keys(Keys.ARROW_RIGHT)
    until(lambda: images(browser) and images(browser)[0] != first[0], "another slice")


def sliders(browser):
    return browser.find_elements(By.CSS_SELECTOR, "[role=slider], input[type=range]")


def ends(browser) -> list[str]:
    """The upper bounds of the sliders."""
    return [
        each.get_attribute("aria-valuemax") or each.get_attribute("max")
        for each in sliders(browser)
    ]


def images(browser) -> list[str]:
    found = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stImage] img, .stImage img")
    return [each.get_attribute("src") for each in found]


def test_a_broken_file_gets_words_and_the_page_lives_on(browser, small, tmp_path):
    whole = save(tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.nii.gz").write_bytes(b"\x1f\x8b nothing")
    for name in ("cut.png", "no.nii.gz"):
        visit(browser, small)
        upload(browser, tmp_path / name)
        error = until(lambda: errors(browser), "an error in words")[0]
        assert "expected" in error and "Traceback" not in text(browser), error
        assert "/tmp" not in error and "gliomake-" not in error, "nothing of where it lay"
    visit(browser, small)
    upload(browser, tmp_path / "good.png")
    until(lambda: metric(browser, "Pixels of tumour"), "an answer after the errors")


def errors(browser) -> list[str]:
    found = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stAlertContentError]")
    return [each.text for each in found if each.text]


def test_three_hundred_megabytes_are_refused_with_the_limit(browser, small, tmp_path):
    large = tmp_path / "large.tif"
    with large.open("wb") as file:
        file.truncate(300 * 1024**2)
    visit(browser, small)
    upload(browser, large)
    until(lambda: "200" in text(browser) and "smaller" in text(browser), "the limit is named")
    visit(browser, small)
    upload(browser, save(tmp_path / "good.png"))
    until(lambda: metric(browser, "Pixels of tumour"), "an answer afterwards")


def test_two_visitors_get_their_own_answers(browsers, small, tmp_path):
    results = [save(tmp_path / f"{seed}.png", seed) for seed in (1, 2)]
    Image.fromarray(np.roll(slice_image(seed=2), 9, 1) // 2 + 40).save(results[1])
    for browser in browsers:
        visit(browser, small)
    for browser, path in zip(browsers, results, strict=True):
        upload(browser, path)
    shown = [until(lambda b=b: metric(b, "Pixels of tumour"), "an answer") for b in browsers]
    assert shown[0] != shown[1]
    again = [metric(browser, "Pixels of tumour") for browser in browsers]
    assert again == shown


@pytest.mark.parametrize("name", ["app", "app-no-tumour"])
def test_the_demos_figures_of_the_page_are_screenshots(browser, demo, name):
    """Where there is a browser, as here; elsewhere they are drawn and say so."""
    svg = (demo / "results" / STUDY / "figures" / f"{name}.svg").read_text()
    assert "<image" in svg and "drawn without a browser" not in svg
