"""How long a visitor of the web page waits: for the first answer, and for each further slice.

Serves a finished build, opens the page in Chromium as soon as the server answers, and prints the
seconds from then to the first answer (an example, predicted), and of each further upload from the
moment the file is given to the pixel count on the page.

    PYTHONPATH=workflow/scripts .venv/bin/python benchmarks/web_page.py BUILD
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "end_to_end")]

from chromium import start_chromium  # noqa: E402
from test_app import RUN, STUDY, images, metric, serving, until, upload, visit  # noqa: E402

# The address of the scan's picture once the numbers beside it are there.
SHOWN = """
const numbers = document.querySelector("[data-testid=stMetric]");
const picture = document.querySelector("[data-testid=stImage] img, .stImage img");
return numbers && picture ? picture.src : "";
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="folder of a build, as make demo leaves it")
    build = parser.parse_args().build
    slices = sorted((build / "resources" / "phantoms" / "lgg").rglob("*_1?.tif"))[:12]
    browser = start_chromium()
    browser.set_window_size(1440, 1200)
    try:
        with serving(build.resolve() / "results") as address:
            start = time.perf_counter()
            browser.get(f"{address}/?model={STUDY}/unet/{RUN}")
            until(lambda: metric(browser, "Pixels of tumour"), "an answer to the first example")
            print(f"first answer after {time.perf_counter() - start:.1f} s")
            waits = []
            for path in slices:
                visit(browser, address, f"{STUDY}/unet/{RUN}")
                until(lambda: not metric(browser, "Pixels of tumour"), "the page without a scan")
                before, start = images(browser), time.perf_counter()
                upload(browser, path)
                while browser.execute_script(SHOWN) in ("", *before[:1]):
                    time.sleep(0.01)
                waits.append(time.perf_counter() - start)
            each = f"{median(waits):.2f} s each, at most {max(waits):.2f} s"
            print(f"{len(waits)} further slices: {each}")
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
