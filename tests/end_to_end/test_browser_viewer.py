"""The slice viewer of the report in Chromium."""

from chromium import all_of, one, open_page, press
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait


def viewer_state(browser):
    return one(browser, "#viewer-state").text


def shown_dice(browser):
    text = one(browser, "#viewer-state .num").text
    return 2.0 if text.startswith("undefined") else float(text)


def pixels(browser, panel):
    return browser.execute_script(f"return document.getElementById('viewer-{panel}').toDataURL()")


def test_the_viewer_steps_worst_first(browser, folder):
    open_page(browser, folder, "small.html")
    viewer = one(browser, "#viewer")
    browser.execute_script("arguments[0].focus()", viewer)
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser).startswith("1 of 25"))
    dice, images = [], []
    for _ in range(25):
        dice.append(shown_dice(browser))
        images.append(pixels(browser, "truth"))
        viewer.send_keys(Keys.ARROW_RIGHT)
    assert dice == sorted(dice) and dice[0] < dice[-1]
    assert len(set(images)) == 25
    assert viewer_state(browser).startswith("1 of 25")
    viewer.send_keys(Keys.ARROW_LEFT)
    assert viewer_state(browser).startswith("25 of 25")
    press(browser, "#viewer-previous")
    assert viewer_state(browser).startswith("24 of 25")


def test_the_viewer_fades_and_changes_models(browser, folder):
    open_page(browser, folder, "small.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    press(browser, "#viewer-previous")
    before = {panel: pixels(browser, panel) for panel in ("truth", "prediction", "error")}
    assert len(set(before.values())) == 3
    slider = one(browser, "#viewer-opacity")
    slider.send_keys(Keys.HOME)
    assert len({pixels(browser, panel) for panel in before}) == 1
    assert viewer_state(browser).startswith("25 of 25"), "the slider's keys are its own"
    slider.send_keys(Keys.END)
    assert pixels(browser, "error") != before["error"]
    unet = shown_dice(browser)
    Select(one(browser, "#viewer-model")).select_by_visible_text("attention-unet")
    press(browser, "#viewer-previous")
    assert shown_dice(browser) != unet
    press(browser, "#viewer-state .num")
    assert "attention-unet" in one(browser, "#trail-dialog").text


def test_the_viewer_shows_one_class(browser, folder):
    open_page(browser, folder, "multi.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    assert len(all_of(browser, "#viewer-state .num")) == 3
    Select(one(browser, "#viewer-class")).select_by_visible_text("ED")
    assert len(all_of(browser, "#viewer-state .num")) == 1


def test_the_worst_patients_are_a_press_away(browser, folder):
    open_page(browser, folder, "small.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    buttons = all_of(browser, "#viewer-worst button")
    assert len(buttons) == 5
    press(browser, "#viewer-previous")
    buttons[0].click()
    assert f": {buttons[0].text}, slice" in viewer_state(browser)
    first = [button.text for button in buttons]
    Select(one(browser, "#viewer-model")).select_by_visible_text("attention-unet")
    assert sorted(b.text for b in all_of(browser, "#viewer-worst button")) == sorted(first)
