"""The slice viewer of the report in Chromium."""

import json
import re

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


def viewer_data(browser):
    text = browser.execute_script("return document.getElementById('viewer-data').textContent")
    return json.loads(text)


def with_tumour(browser):
    """Patient and slice of those that have tumour."""
    slices = viewer_data(browser)["slices"]
    return {(s["patient"], s["slice"]) for s in slices if any(len(mask) > 1 for mask in s["truth"])}


def shown_slice(browser):
    found = re.search(r": (\S+), slice (\d+)\.", viewer_state(browser))
    return found[1], int(found[2])


def test_the_viewer_steps_worst_first_through_tumours_and_then_the_rest(browser, folder):
    open_page(browser, folder, "small.html")
    viewer = one(browser, "#viewer")
    browser.execute_script("arguments[0].focus()", viewer)
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser).startswith("1 of 25"))
    tumours = with_tumour(browser)
    assert len(tumours) == 20
    dice, images, has = [], [], []
    for _ in range(25):
        dice.append(shown_dice(browser))
        images.append(pixels(browser, "truth"))
        has.append(shown_slice(browser) in tumours)
        viewer.send_keys(Keys.ARROW_RIGHT)
    assert has == 20 * [True] + 5 * [False], "no empty truth comes first"
    assert dice[:20] == sorted(dice[:20]) and dice[0] < dice[19]
    assert dice[20:] == sorted(dice[20:])
    assert len(set(images)) == 25
    assert viewer_state(browser).startswith("1 of 25")
    viewer.send_keys(Keys.ARROW_LEFT)
    assert viewer_state(browser).startswith("25 of 25")
    press(browser, "#viewer-previous")
    assert viewer_state(browser).startswith("24 of 25")


def test_a_patient_and_a_place_can_be_gone_to(browser, folder):
    open_page(browser, folder, "small.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    tumours = with_tumour(browser)
    patients = [option.text for option in all_of(browser, "#viewer-patient option")]
    assert patients == sorted({patient for patient, _ in tumours})
    for patient in patients:
        Select(one(browser, "#viewer-patient")).select_by_visible_text(patient)
        assert shown_slice(browser)[0] == patient
        assert shown_slice(browser) in tumours
    one(browser, "#viewer-at").send_keys(Keys.END)
    assert viewer_state(browser).startswith("25 of 25")
    chosen = Select(one(browser, "#viewer-patient")).first_selected_option.text
    assert chosen == shown_slice(browser)[0]


def colours(browser, panel):
    """The colours of a panel at full opacity, as ``#RRGGBB``."""
    script = """
      const slider = document.getElementById('viewer-opacity');
      slider.value = 100; slider.dispatchEvent(new Event('input'));
      const canvas = document.getElementById(`viewer-${arguments[0]}`);
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const hex = (value) => value.toString(16).padStart(2, '0');
      const found = new Set();
      for (let at = 0; at < data.length; at += 4) {
        found.add('#' + [...data.slice(at, at + 3)].map(hex).join(''));
      }
      return [...found];
    """
    return {colour.upper() for colour in browser.execute_script(script, panel)}


def test_classes_and_errors_have_colours_of_their_own(browser, folder):
    open_page(browser, folder, "multi.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    data = viewer_data(browser)
    classes = {colour.upper() for colour in data["colours"]}
    errors = {kind: colour for kind, (colour, _) in data["errors"].items()}
    assert not classes & set(errors.values()) and len(set(errors.values())) == 4
    assert classes & colours(browser, "truth")
    assert not classes & colours(browser, "error")
    assert {errors["missed"], errors["extra"]} <= colours(browser, "error")
    legend = one(browser, "#viewer-errors").text
    assert all(words in legend for _, words in data["errors"].values())


def test_a_confusion_of_classes_is_shown_as_one(browser, folder):
    """Truth of one class, mask of another: neither missed nor spurious while all are shown."""
    html = (folder / "multi.html").read_text()
    head, rest = html.split('id="viewer-data">', 1)
    content, tail = rest.split("</script>", 1)
    data = json.loads(content)
    size = data["pixels"] ** 2
    empty, block = [size], [100, 50, size - 150]
    for each in data["slices"]:
        each["truth"] = [block, empty, empty]
        each["masks"] = {model: [empty, block, empty] for model in each["masks"]}
    path = folder / "confused.html"
    path.write_text(f'{head}id="viewer-data">{json.dumps(data)}</script>{tail}')
    open_page(browser, folder, "confused.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    errors = {kind: colour for kind, (colour, _) in data["errors"].items()}
    shown = colours(browser, "error")
    assert errors["confused"] in shown
    assert not {errors["missed"], errors["extra"]} & shown
    for class_, kind in (("NEC", "missed"), ("ED", "extra")):
        Select(one(browser, "#viewer-class")).select_by_visible_text(class_)
        shown = colours(browser, "error")
        assert errors[kind] in shown and errors["confused"] not in shown
    path.unlink()


def test_the_viewer_fades_and_changes_models(browser, folder):
    open_page(browser, folder, "small.html")
    WebDriverWait(browser, 5).until(lambda _: viewer_state(browser))
    press(browser, "#viewer-next")
    before = {panel: pixels(browser, panel) for panel in ("truth", "prediction", "error")}
    assert len(set(before.values())) == 3
    slider = one(browser, "#viewer-opacity")
    slider.send_keys(Keys.HOME)
    assert len({pixels(browser, panel) for panel in before}) == 1
    assert viewer_state(browser).startswith("2 of 25"), "the slider's keys are its own"
    slider.send_keys(Keys.END)
    assert pixels(browser, "error") != before["error"]
    unet = shown_dice(browser)
    Select(one(browser, "#viewer-model")).select_by_visible_text("attention-unet")
    press(browser, "#viewer-next")
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
