"""Photograph a finished demo's report for docs/gallery.md, in Chromium.

.venv/bin/python docs/_site/gallery.py [reports/build]

Needs `make demo` before, here or where the folder named comes from, and chromium with its driver
(Debian: chromium, chromium-driver).
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "figures"
AUDIT = ROOT / "examples" / "claims" / "readme-brats-unet.csv"
WIDTH, TALL = 1200, 1000
"""Pixels: of the window, and the most of a picture."""

SHOTS = (
    ("index", "index.html", "main"),
    ("reported", "lgg-two-stage.html", "#claims"),
    ("scores", "lgg-encoders.html", "#scores"),
    ("compared", "lgg-encoders.html", "#comparison"),
    ("probabilities", "lgg-two-stage.html", "#probabilities"),
    ("viewer", "brats2020-multiclass.html", "#slices"),
    ("figures", "lgg-two-stage.html", "#figures"),
    ("leakage", "lgg-encoders.html", "#leakage"),
    ("card", "cards/lgg-encoders/unet.html", "main"),
)
"""Name of the picture, page, and what of it."""


def main() -> None:
    """Take all pictures."""
    report = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "reports" / "build"
    if not (report / "index.html").is_file():
        sys.exit(f"no report in {report}; `make demo` builds it")
    options = webdriver.ChromeOptions()
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    options.binary_location = shutil.which("chromium") or ""
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        for name, page, part in SHOTS:
            photograph(browser, report / page, part, name)
        page = OUT / "audit.html"
        command = [sys.executable, "-m", "gliomake", "audit", str(AUDIT), "--out", str(page)]
        subprocess.run(command, capture_output=True, check=False)  # 1 where something contradicts
        photograph(browser, page, "main", "audit")
        page.unlink()
    finally:
        browser.quit()


def photograph(browser: webdriver.Chrome, page: Path, part: str, name: str) -> None:
    """Save the upper part of an element as a small PNG."""
    size = {"width": WIDTH, "height": TALL, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    found = browser.find_element(By.CSS_SELECTOR, part)
    browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", found)
    browser.implicitly_wait(2)
    picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    box = browser.execute_script("return arguments[0].getBoundingClientRect()", found)
    left, right = max(box["left"] - 16, 0), min(box["right"] + 16, WIDTH)
    top, bottom = max(box["top"] - 8, 0), min(box["bottom"], TALL)
    picture = picture.crop(tuple(map(round, (left, top, right, bottom))))
    picture.quantize(128).save(OUT / f"report-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
