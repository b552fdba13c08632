"""The report in Chromium: sorting, filters, viewer, dialogs, links, phone width, no network."""

import time
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from chromium import PHONE, all_of, one, open_page, press, resize, shown_column
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from checkout import ROOT

STUDIES = sorted(path.stem for path in (ROOT / "config" / "studies").glob("*.yaml"))
PAGES = ["index.html", "small.html", "multi.html", "cards/small/unet.html"]


@pytest.mark.parametrize("page", PAGES)
def test_no_error_and_no_network(browser, folder, page):
    open_page(browser, folder, page)
    time.sleep(0.2)  # a favicon is asked for late
    assert browser.get_log("browser") == []
    requests = [
        entry["message"]
        for entry in browser.get_log("performance")
        if "Network.requestWillBeSent" in entry["message"]
    ]
    assert requests
    assert not [text for text in requests if '"url":"http' in text]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(browser, folder, page):
    open_page(browser, folder, page)
    links = {link.get_attribute("href") for link in all_of(browser, "a[href]")}
    assert links
    for link in links:
        if link.startswith("data:"):  # a file that the page holds or makes
            continue
        address, fragment = urldefrag(urljoin(browser.current_url, link))
        path = Path(address.removeprefix("file://"))
        assert path.is_file(), link
        if fragment:
            assert f'id="{fragment}"' in path.read_text(), link


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_need_not_scroll_sideways(browser, folder, page):
    resize(browser, *PHONE)
    open_page(browser, folder, page)
    width = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    scroll, client = browser.execute_script(width)
    assert scroll == client == PHONE[0]


@pytest.mark.parametrize("page", ["index", *STUDIES])
def test_the_demos_pages(browser, demo, page):
    resize(browser, *PHONE)
    open_page(browser, demo / "reports" / "build", f"{page}.html")
    time.sleep(0.2)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") == PHONE[0]
    assert all_of(browser, "[data-number]"), "numbers that a click explains"


def test_tables_sort(browser, folder):
    open_page(browser, folder, "small.html")
    button = press(browser, "#scores-segmentation th:nth-child(6) button")
    head = one(browser, "#scores-segmentation th:nth-child(6)")
    assert head.get_attribute("aria-sort") == "ascending"
    up = [float(text.split()[0]) for text in shown_column(browser, "scores-segmentation", 5)]
    assert up == sorted(up) and len(set(up)) > 2
    button.send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") == "descending"
    down = [float(text.split()[0]) for text in shown_column(browser, "scores-segmentation", 5)]
    assert down == up[::-1]
    press(browser, "#scores-segmentation th:nth-child(1) button")
    assert head.get_attribute("aria-sort") == "none"
    names = shown_column(browser, "scores-segmentation", 0)
    assert names == sorted(names)


def test_tables_filter(browser, folder):
    open_page(browser, folder, "small.html")
    tools = one(browser, "#scores-segmentation .tools")
    rows = len(all_of(browser, "#scores-segmentation tbody tr"))
    assert set(shown_column(browser, "scores-segmentation", 4)) == {"Dice"}
    state = tools.find_element(By.CSS_SELECTOR, ".shown")
    assert state.text == f"4 of {rows} rows"
    search = tools.find_element(By.CSS_SELECTOR, "[type=search]")
    search.send_keys("attention")
    assert shown_column(browser, "scores-segmentation", 0) == ["attention-unet"]
    press(browser, "#scores-segmentation [data-clear]")
    assert state.text == f"{rows} of {rows} rows"
    Select(choice(browser, "claims-table", "Verdict")).select_by_visible_text("inconsistent")
    assert shown_column(browser, "claims-table", 0) == ["001", "002"]


def choice(browser, table, column):
    """The filter of a column."""
    labels = all_of(browser, f"#{table} .tools label")
    label = next(each for each in labels if each.text.startswith(column))
    return label.find_element(By.TAG_NAME, "select")


def test_a_filter_finds_what_has_none(browser, folder):
    open_page(browser, folder, "small.html")
    Select(choice(browser, "claims-table", "Model")).select_by_visible_text("(none)")
    assert shown_column(browser, "claims-table", 0) == ["006"]
    press(browser, "#claims-table [data-clear]")
    assert len(shown_column(browser, "claims-table", 0)) == 7


def test_what_a_column_means_can_be_read_without_a_pointer(browser, folder):
    open_page(browser, folder, "small.html")
    for head in all_of(browser, "#claims-table .sort[title]"):
        assert head.get_attribute("aria-description") == head.get_attribute("title")
    summary = one(browser, "#claims-table .definitions summary")
    summary.send_keys(Keys.ENTER)
    assert "with its 95 % interval" in one(browser, "#claims-table .definitions").text


@pytest.mark.parametrize(
    ("table", "part"),
    [("claims-table", ".label"), ("comparisons", ".num"), ("leakage-table", ".num")],
)
def test_the_verdict_is_seen_on_a_phone_without_scrolling(browser, folder, table, part):
    resize(browser, *PHONE)
    open_page(browser, folder, "small.html")
    right = "return document.querySelector(arguments[0]).getBoundingClientRect().right"
    assert browser.execute_script(right, f"#{table} tbody tr:not([hidden]) {part}") <= PHONE[0]


def test_the_headline_is_shown_whole(browser, folder):
    open_page(browser, folder, "index.html")
    height = "return getComputedStyle(document.querySelector('.headline').parentElement).maxHeight"
    assert browser.execute_script(height) == "none"


def test_a_findings_icon_has_words(browser, folder):
    for page in ("small.html", "index.html"):
        open_page(browser, folder, page)
        words = [each.get_attribute("textContent") for each in all_of(browser, ".findings .hidden")]
        assert words and set(words) <= {"Contradiction: ", "Worth knowing: ", "Agrees: "}


def test_a_number_shows_its_trail(browser, folder):
    open_page(browser, folder, "small.html")
    number = press(browser, ".headline [data-number]")
    dialog = one(browser, "#trail-dialog")
    assert dialog.get_attribute("open")
    files = ("counts.tsv", "predictions.h5", "split", "code")
    for words in ("patient-f0-s0", "Pooled pixels", *files):
        assert words in dialog.text
    assert all(len(hash_.text) == 64 for hash_ in dialog.find_elements(By.CSS_SELECTOR, ".hash"))
    assert dialog.find_element(By.CSS_SELECTOR, ".value").text.startswith(number.text[:4])
    dialog.send_keys(Keys.ESCAPE)
    assert not dialog.get_attribute("open")
    assert browser.switch_to.active_element == number


@pytest.mark.parametrize(
    ("table", "runs", "words"),
    [
        ("comparisons", 2, "unet minus attention-unet"),
        ("leakage-table", 4, "leak0-f0-s1"),
        ("claims-table", 1, "test"),
    ],
)
def test_a_trail_shows_every_run_behind_a_number(browser, folder, table, runs, words):
    open_page(browser, folder, "small.html")
    press(browser, f"#{table} tr:not([hidden]) [data-number]")
    dialog = one(browser, "#trail-dialog")
    text = dialog.get_attribute("textContent")
    assert len(all_of(browser, "#trail-body .run")) == runs
    assert text.count("weights.safetensors") == text.count("predictions.h5") == runs
    for word in (words, "model", "metric", "averaging rule"):
        assert word in text


def test_a_figure_opens_large(browser, folder):
    open_page(browser, folder, "small.html")
    small = press(browser, ".enlarge")
    dialog = one(browser, "#figure-dialog")
    large = one(browser, "#figure-large")
    assert dialog.get_attribute("open") and large.is_displayed()
    assert large.size["width"] > 2 * small.size["width"]
    dialog.send_keys(Keys.ESCAPE)
    assert not dialog.get_attribute("open")


def test_light_and_dark(browser, folder):
    background = "return getComputedStyle(document.body).backgroundColor"
    seen = set()
    for scheme in ("light", "dark"):
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        open_page(browser, folder, "small.html")
        first = browser.execute_script(background)
        press(browser, "#theme")
        assert browser.execute_script(background) != first
        press(browser, "#theme")
        assert browser.execute_script(background) == first
        browser.execute_script("localStorage.clear()")
        seen.add(first)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(seen) == 2


def test_the_keyboard_comes_past_the_head(browser, folder):
    open_page(browser, folder, "small.html")
    one(browser, "body").send_keys(Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to the content"
    skip.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#main")


A4 = (718, 1047)  # pixels within the margins


@pytest.fixture
def printed(browser, folder):
    """The page as it goes to A4 paper from a dark screen."""
    open_page(browser, folder, "small.html")
    browser.execute_script("document.documentElement.dataset.theme = 'dark'")
    resize(browser, *A4)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    yield browser
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_print_leaves_controls_out_and_shows_whole_tables(printed):
    hidden = "return getComputedStyle(document.querySelector(arguments[0])).display"
    for css in ("[data-search]", "[data-clear]", ".masthead", ".contents", "#viewer", ".save"):
        shown = printed.execute_script("return document.querySelector(arguments[0])", css)
        assert not shown.is_displayed() or printed.execute_script(hidden, css) == "none", css
    assert one(printed, "#scores-segmentation .shown").is_displayed()
    assert "HTML page" in one(printed, "#slices .on-paper").text, (
        "what stands in place of the viewer"
    )
    boxes = (
        "return [...document.querySelectorAll('.scroll')].map(b => b.scrollHeight - b.clientHeight)"
    )
    assert max(printed.execute_script(boxes)) <= 1


def test_print_is_dark_on_white_and_within_the_page(printed):
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    assert printed.execute_script(style, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert printed.execute_script(style, "body", "color") == "rgb(0, 0, 0)"
    assert printed.execute_script(style, ".strip", "printColorAdjust") == "exact"
    cut = (
        "return [...document.querySelectorAll('table')]"
        ".filter(t => t.getBoundingClientRect().right > innerWidth + 1)"
        ".map(t => t.closest('[id]').id)"
    )
    assert printed.execute_script(cut) == []


def test_print_opens_what_is_folded_and_folds_it_again(browser, folder):
    open_page(browser, folder, "small.html")
    table = "#table-metrics"
    browser.execute_script(f"document.querySelector('{table}').dataset.printed = 1")
    state = (
        "return [document.querySelectorAll('details[open]').length,"
        f" document.querySelectorAll('{table} tbody tr:not([hidden])').length]"
    )
    before = browser.execute_script(state)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(state) == [len(all_of(browser, "main details")), 1]
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(state) == before
    assert before[0] == 0 and before[1] > 1


def test_contrast_of_text(browser, folder):
    """WCAG AA: 4.5 to 1 for the text that the style colours."""
    script = """
      const part = (value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
      const light = (rgb) => { const [r, g, b] = rgb.match(/[\\d.]+/g).map(Number); return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
      const paper = light(getComputedStyle(document.body).backgroundColor);
      return arguments[0].map((css) => {
        const ink = light(getComputedStyle(document.querySelector(css)).color);
        return [css, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
      });
    """  # noqa: E501
    texts = [
        ".byline",
        ".verdict.contradicted",
        ".verdict.incomparable",
        "a",
        ".num small",
        ".sort",
    ]
    open_page(browser, folder, "small.html")
    for _ in ("light", "dark"):
        for css, contrast in browser.execute_script(script, texts):
            assert contrast >= 4.5, css
        press(browser, "#theme")
    browser.execute_script("localStorage.clear()")
