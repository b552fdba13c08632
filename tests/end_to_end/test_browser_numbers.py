"""Numbers of the report in Chromium: their arithmetic, addresses, and the files that are saved."""

import csv
import io
import json
import shlex
from urllib.parse import unquote

import pytest
from chromium import PHONE, all_of, one, open_page, press, resize
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from gliomake.cli import main

SCORE = "score/unet/patient-f0-s0/test/{}/{}/{}/raw"


def trail(browser):
    text = browser.execute_script("return document.getElementById('trail').textContent")
    return json.loads(text)


def open_number(browser, folder, page, id_):
    browser.get((folder / page).as_uri() + "#" + id_)
    return one(browser, "#trail-dialog")


def last_number(text):
    """The result at the end of a sentence of arithmetic."""
    return float(text.split(" = ")[-1].split(";")[0].rstrip("."))


@pytest.mark.parametrize(
    ("metric", "rule"),
    [("dice", "pooled"), ("dice", "patient"), ("recall", "patient"), ("hd95", "patient")],
)
def test_the_arithmetic_gives_the_number(browser, folder, metric, rule):
    id_ = SCORE.format("tumour", metric, rule)
    dialog = open_number(browser, folder, "small.html", id_)
    assert dialog.get_attribute("open")
    value = float(dialog.find_element(By.CSS_SELECTOR, ".value").text)
    sentence = dialog.find_element(By.CSS_SELECTOR, ".sum").text
    assert last_number(sentence) == pytest.approx(value, abs=5.1e-4)
    rows = all_of(browser, "#trail-body .sums tbody tr")
    assert len(rows) == 5
    if rule == "patient":
        of_patients = [float(row.text.split()[-1]) for row in rows]
        assert sum(of_patients) / 5 == pytest.approx(value, abs=1e-3)


def test_slices_that_are_empty_are_counted(browser, folder):
    dialog = open_number(
        browser,
        folder,
        "small.html",
        "score/all-background/patient-f0-s0/test/tumour/dice/slice-empty1/raw",
    )
    # One slice of five without tumour, and a mask that is always empty.
    assert "One score for each of 25 slices" in dialog.text
    assert "5 of them, empty in truth and mask, count 1" in dialog.text
    assert float(dialog.find_element(By.CSS_SELECTOR, ".value").text) == pytest.approx(0.2)


def test_a_mean_over_classes_names_each(browser, folder):
    dialog = open_number(browser, folder, "multi.html", SCORE.format("mean", "dice", "pooled"))
    numbers = trail(browser)["numbers"]
    for name in ("NEC", "ED", "ET"):
        value = numbers[SCORE.format(name, "dice", "pooled")][0]
        assert f"{name} {value:.3f}" in dialog.text


def test_a_difference_names_both_scores(browser, folder):
    id_ = "comparison/unet/attention-unet/patient-f0-s0/test/tumour/dice/patient/raw"
    dialog = open_number(browser, folder, "small.html", id_)
    value = float(dialog.find_element(By.CSS_SELECTOR, ".value").text)
    assert last_number(dialog.find_element(By.CSS_SELECTOR, ".sum").text) == pytest.approx(
        value, abs=5.1e-4
    )


def test_a_number_has_an_address_that_opens_it(browser, folder):
    open_page(browser, folder, "small.html")
    number = press(browser, ".headline [data-number]")
    printed, id_ = number.text.split()[0], number.get_attribute("data-number")
    address = one(browser, ".permalink").get_attribute("href")
    assert unquote(address).endswith("#" + id_)
    one(browser, "#trail-dialog").send_keys(Keys.ESCAPE)
    browser.get("about:blank")
    browser.get(address)
    dialog = one(browser, "#trail-dialog")
    assert dialog.get_attribute("open")
    assert dialog.find_element(By.CSS_SELECTOR, ".value").text.startswith(printed[:4])
    dialog.send_keys(Keys.ESCAPE)
    assert "#" not in browser.current_url
    browser.get(address.partition("#")[0] + "#claims")
    assert not one(browser, "#trail-dialog").get_attribute("open")


@pytest.mark.parametrize("page", ["small.html", "index.html", "cards/small/unet.html"])
def test_a_panel_shows_the_command_that_checks_its_number(browser, folder, page, capsys):
    open_page(browser, folder, page)
    id_ = press(browser, "main [data-number^='score/']").get_attribute("data-number")
    line = one(browser, "#trail-body .command code").text
    words = shlex.split(line)
    assert words[2] == f"{id_.removesuffix('/small')}/small"
    assert one(browser, "#trail-body .command .copy").get_attribute("data-copy") == line
    link = one(browser, "#trail-body .permalink + .copy").get_attribute("data-copy")
    assert link == one(browser, ".permalink").get_attribute("href")
    value = one(browser, "#trail-body .value").text
    for id_or_address in (words[2], link):
        status = main([*words[1:2], id_or_address, "--directory", str(folder.parents[1])])
        assert status == 0
        assert f"\n  {value}" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["index.html", "cards/small/unet.html"])
def test_other_pages_lead_to_the_arithmetic(browser, folder, page):
    open_page(browser, folder, page)
    value = press(browser, "main [data-number]").text.split()[0]
    press(browser, "#trail-body a[href*='.html#score/']")
    assert "/small.html#score/" in browser.current_url
    dialog = one(browser, "#trail-dialog")
    assert dialog.get_attribute("open")
    assert dialog.find_element(By.CSS_SELECTOR, ".value").text.startswith(value[:4])


def test_the_files_behind_a_number_are_links(browser, folder):
    for page in ("small.html", "cards/small/unet.html", "index.html"):
        open_page(browser, folder, page)
        press(browser, "main [data-number]")
        links = [each.get_attribute("href") for each in all_of(browser, "#trail-body .run a")]
        counts = next(link for link in links if link.endswith("counts.tsv"))
        assert (
            counts == (folder.parents[1] / "results/small/unet/patient-f0-s0/counts.tsv").as_uri()
        )


def saved(browser, css):
    """What a link saves: its name, its kind, its text. The browser is kept from saving it."""
    browser.execute_script(
        "document.querySelector(arguments[0]).addEventListener('click', e => e.preventDefault())",
        css,
    )
    link = press(browser, css)
    head, _, content = link.get_attribute("href").partition(",")
    return link.get_attribute("download"), head, unquote(content)


def test_a_table_is_saved_as_it_is_shown(browser, folder):
    open_page(browser, folder, "small.html")
    name, head, text = saved(browser, "#scores-segmentation [data-csv]")
    assert name == "scores-segmentation.csv" and head.startswith("data:text/csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(all_of(browser, "#scores-segmentation tbody tr:not([hidden])")) == 4
    (unet,) = [row for row in rows if row["Model"] == "unet"]
    exact = trail(browser)["numbers"][SCORE.format("tumour", "dice", "pooled")]
    told = [unet[f"Pooled pixels{end}"] for end in ("", ", lower", ", upper")]
    assert [float(each) if each else None for each in told] == exact[:3]
    assert unet["Of"] == "25 slices of 5 patients"


def test_all_numbers_are_saved_as_json(browser, folder):
    open_page(browser, folder, "small.html")
    name, _, text = saved(browser, "[data-numbers]")
    content = json.loads(text)
    assert name == "small-numbers.json"
    numbers = trail(browser)["numbers"]
    assert content.keys() == numbers.keys()
    id_ = SCORE.format("tumour", "dice", "patient")
    assert content[id_]["value"] == numbers[id_][0] and content[id_]["metric"] == "Dice"
    assert content[id_]["files"][0].endswith("counts.tsv")


def test_a_figure_is_saved(browser, folder):
    open_page(browser, folder, "small.html")
    name, head, _ = saved(browser, "[data-picture]")
    assert name == "small-masks.svg" and head == "data:image/svg+xml;base64"


def test_a_verdicts_reason_opens(browser, folder):
    open_page(browser, folder, "small.html")
    why = one(browser, "#claims-table .told-why")
    assert not why.is_displayed()
    press(browser, "#claims-table .told summary")
    assert why.is_displayed() and "cannot come from the same pooled counts" in why.text


def test_a_column_that_a_filter_holds_fixed_is_left_out(browser, folder):
    open_page(browser, folder, "small.html")
    head = "#scores-segmentation thead th:nth-child({})"
    assert one(browser, head.format(1)).is_displayed(), "Model"
    assert not one(browser, head.format(5)).is_displayed(), "Metric, which is Dice"
    press(browser, "#scores-segmentation [data-clear]")
    assert one(browser, head.format(5)).is_displayed()


def test_errors_are_no_larger_than_truth_on_a_phone(browser, folder):
    resize(browser, *PHONE)
    open_page(browser, folder, "small.html")
    widths = {
        one(browser, f"#viewer-{name}").size["width"] for name in ("truth", "prediction", "error")
    }
    assert len(widths) == 1


@pytest.mark.parametrize("page", ["index.html", "small.html", "cards/small/unet.html"])
def test_head_content_and_foot_begin_at_one_edge(browser, folder, page):
    open_page(browser, folder, page)
    left = (
        "const e = document.querySelector(arguments[0]);"
        "return e.getBoundingClientRect().left + parseFloat(getComputedStyle(e).paddingLeft)"
    )
    edges = {round(browser.execute_script(left, css)) for css in (".masthead > .wide", ".colophon")}
    content = "main" if page != "small.html" else ".columns"
    assert edges == {round(browser.execute_script(left, content))}
