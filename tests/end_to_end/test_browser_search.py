"""The search over all pages in Chromium: found by words, reached by keyboard, from any page."""

import shutil

import pytest
from chromium import PHONE, all_of, one, open_page, press, resize
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PAGES = ("index.html", "small.html", "cards/small/unet.html")


def status(browser):
    return one(browser, "#find-results [role=status]").text


def search(browser, words):
    """Type words, wait for what is said, and give the results' texts."""
    field = one(browser, "#find-words")
    field.clear()
    field.send_keys(words)
    WebDriverWait(browser, 5).until(lambda _: status(browser))
    return [link.text for link in all_of(browser, "#find-results a")]


@pytest.mark.parametrize("page", PAGES)
def test_a_result_names_page_and_section_and_leads_there(browser, folder, page):
    open_page(browser, folder, page)
    found = search(browser, "iou reported 0.50")
    assert status(browser) == "2 found"
    title, where, *_ = found[0].split("\n")
    assert title == "small.002: IoU, unet, tumour, reported 0.50"
    assert where == "Claim · small · Reported and reproduced"
    press(browser, "#find-results a")
    assert browser.current_url.endswith("/small.html#claim-002")
    row = one(browser, "[id='claim-002']")
    assert row.is_displayed() and "0.50" in row.text
    assert not one(browser, "#find-results").is_displayed()


def test_the_search_works_by_keyboard_alone(browser, folder):
    open_page(browser, folder, "index.html")
    one(browser, "body").send_keys("/")
    field = browser.switch_to.active_element
    assert field.get_attribute("id") == "find-words"
    assert len(search(browser, "model card")) > 2
    field.send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    second = browser.switch_to.active_element
    assert second.text == all_of(browser, "#find-results a")[1].text
    second.send_keys(Keys.ESCAPE)
    assert not one(browser, "#find-results").is_displayed()
    assert browser.switch_to.active_element.get_attribute("id") == "find-words"
    assert search(browser, "attention-unet model card multi")
    field.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("/cards/multi/attention-unet.html")


def test_a_row_that_a_filter_hides_is_shown(browser, folder):
    open_page(browser, folder, "small.html")
    tools = one(browser, "#claims-table .tools")
    tools.find_element(By.CSS_SELECTOR, "[data-search]").send_keys("epochs")
    assert not one(browser, "[id='claim-002']").is_displayed()
    search(browser, "small.002")
    press(browser, "#find-results a")
    assert one(browser, "[id='claim-002']").is_displayed()


def test_nothing_found_is_said(browser, folder):
    open_page(browser, folder, "index.html")
    assert search(browser, "zebra") == []
    assert status(browser).startswith("Nothing found for “zebra”")


def test_a_page_alone_says_what_it_misses(browser, folder, tmp_path):
    shutil.copy(folder / "small.html", tmp_path)
    open_page(browser, tmp_path, "small.html")
    assert browser.get_log("browser") == []
    assert search(browser, "dice") == []
    assert "search-index.js" in status(browser)


@pytest.mark.parametrize("page", PAGES)
def test_on_a_phone_the_results_fit(browser, folder, page):
    resize(browser, *PHONE)
    open_page(browser, folder, page)
    search(browser, "dice")
    assert browser.execute_script("return document.documentElement.scrollWidth") == PHONE[0]
    box = one(browser, "#find-results").rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0]
