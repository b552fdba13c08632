"""Chromium for tests: found, or the test is left out; a failure where it is required."""

import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PHONE, DESK = (390, 844), (1440, 900)
ARGUMENTS = (
    "headless=new",
    "no-sandbox",
    "disable-dev-shm-usage",
    "disable-gpu",
    "hide-scrollbars",
)


def start_chromium() -> webdriver.Chrome:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        reason = "needs chromium and chromedriver (Debian: chromium, chromium-driver)"
        if os.environ.get("GLIOMAKE_REQUIRE_CHROMIUM") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ARGUMENTS:
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


def resize(browser, width, height):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )


def open_page(browser, folder, page):
    browser.get((folder / page).as_uri())
    return browser


def all_of(browser, css):
    return browser.find_elements(By.CSS_SELECTOR, css)


def one(browser, css):
    return browser.find_element(By.CSS_SELECTOR, css)


def press(browser, css):
    """Scroll to an element and click it."""
    found = one(browser, css)
    browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found
    )
    found.click()
    return found


def shown_column(browser, table, column):
    return browser.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr:not([hidden])`)]"
        ".map(row => row.cells[arguments[1]].textContent.trim())",
        table,
        column,
    )
