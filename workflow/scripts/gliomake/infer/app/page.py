"""The page itself; run by Streamlit, see `gliomake.infer.app.serve`."""

import hashlib
import logging
import sys
from pathlib import Path
from typing import Any

import streamlit as st

from gliomake.datasets.base import CaseError
from gliomake.infer.app.answer import (
    Answer,
    Upload,
    UploadError,
    answer_uploads,
    finish,
    predict,
)
from gliomake.infer.app.find import Example, find_examples, find_models, find_shards, load_example
from gliomake.infer.app.view import PLANES, View
from gliomake.infer.describe import ModelError, read_description
from gliomake.infer.inputs import PICTURES
from gliomake.infer.model import Model, load_model
from gliomake.infer.outputs import DISCLAIMER, entropy_picture

TYPES = [suffix.removeprefix(".") for suffix in PICTURES] + ["nii", "gz"]
EXAMPLE, UPLOAD = "Example", "Upload"
logger = logging.getLogger("gliomake.app")


@st.cache_resource(max_entries=4, show_spinner="Loading the model ...")
def cached_model(folder: str, gate: bool, _stamp: float) -> Model:
    """Load a model once for all visitors."""
    return load_model(folder, gate=gate)


@st.cache_data(max_entries=16, show_spinner=False)
def cached_examples(folder: str, shards: list[str], asked: str, _stamp: float) -> list[Example]:
    """Find the examples of a model once; the one that the address names comes first."""
    return find_examples(Path(folder), [Path(path) for path in shards], asked)


def main(results: Path) -> None:
    """Draw the page."""
    st.set_page_config(page_title="gliomake: new scans", layout="wide")
    st.header("Brain tumour segmentation on a new scan")
    st.warning(DISCLAIMER, icon=":material/science:")
    models = find_models(results)
    if not models:
        st.error(f"No trained model under {results.name}/. Build the demo first: make demo")
        return
    name, gate, flips, extras = choose_model(models)
    folder = models[name]
    try:
        model = cached_model(str(folder), gate, (folder / "model.json").stat().st_mtime)
    except (ModelError, OSError) as error:
        st.error(str(error))
        return
    say_training(model)
    try:
        answer = ask(results, folder, model, flips, "uncertainty" in extras)
    except (UploadError, CaseError, ModelError) as error:
        st.error(str(error), icon=":material/error:")
        return
    except Exception:
        # The page lives on, and the visitor need not read a traceback.
        logger.exception("a prediction failed")
        st.error("The scan could not be predicted: a fault of the page, which its log names.")
        return
    if answer is not None:
        show(answer, model, extras)


def choose_model(models: dict[str, Path]) -> tuple[str, bool, bool, list[str]]:
    """Ask for model, gate and options in the side bar."""
    names = list(models)
    asked = st.query_params.get("model", "")
    preferred = [name for name in names if name == asked] or [
        name for name in names if name.startswith("lgg-two-stage/unet/")
    ]
    with st.sidebar:
        st.header("Model")
        name = st.selectbox(
            "Trained model", names, index=names.index(preferred[0]) if preferred else 0
        )
        about = read_description(models[name])
        gate = about.gate is not None and st.checkbox(
            "Classifier first: skip slices without tumour", value=True
        )
        flips = st.checkbox("Average over flips", value=False)
        extras = []
        if st.checkbox("Uncertainty map", value=False):
            extras.append("uncertainty")
        if st.checkbox("What the network looked at (Grad-CAM)", value=False):
            extras.append("attention")
    return name, bool(gate), flips, extras


def say_training(model: Model) -> None:
    """Say what the model was trained on."""
    about = model.about
    what = "synthetic images" if about.data == "phantom" else f"the data set {about.dataset}"
    scale = ", at demo scale: its answers are no results" if about.scale == "demo" else ""
    st.caption(f"{about.name} was trained on {what}{scale}. It sees {', '.join(about.channels)}.")


def ask(results: Path, folder: Path, model: Model, flips: bool, uncertainty: bool) -> Answer | None:
    """Ask for a scan, and predict it unless it is the one that is shown."""
    shards = [str(path) for path in find_shards(results, model.about)]
    stamp = (folder / "model.json").stat().st_mtime
    examples = cached_examples(str(folder), shards, st.query_params.get("example", ""), stamp)
    choices = [EXAMPLE, UPLOAD] if examples else [UPLOAD]
    source = st.radio("Scan", choices, horizontal=True)
    options = (model.about.weights_sha256, model.gate is not None, flips, uncertainty)
    if source == EXAMPLE:
        labels = [example.label for example in examples]
        number = st.selectbox(
            "Test slice", range(len(labels)), format_func=labels.__getitem__,
        )  # fmt: skip
        key: Any = (*options, examples[number])
        return remembered(key) or remember(
            key, example_answer(examples[number], model, shards, flips, uncertainty)
        )
    uploads, truth = ask_files(model)
    if not uploads:
        return None
    digests = [hashlib.sha256(each.data).hexdigest() for each in (*uploads, truth) if each]
    key = (*options, *digests, *(each.name for each in uploads))
    return remembered(key) or remember(
        key, answer_uploads(uploads, model, truth, flips=flips, uncertainty=uncertainty)
    )


def ask_files(model: Model) -> tuple[list[Upload], Upload | None]:
    """Ask for files, and for the truth beside them."""
    channels = model.about.channels
    if model.about.of_volumes:
        text = f"NIfTI, one file each of {', '.join(channels)}"
    elif len(channels) == 3:
        text = f"TIFF, PNG or JPEG whose colours are {', '.join(channels)}; or NIfTI of 8 bits"
    else:
        text = "TIFF, PNG or JPEG; or NIfTI of 8 bits"
    left, right = st.columns(2)
    given = left.file_uploader(f"Scan ({text})", TYPES, accept_multiple_files=True, key="scan")
    truth = right.file_uploader("Its mask, if there is one", TYPES, key="truth")
    uploads = [Upload(each.name, each.getvalue()) for each in given]
    return uploads, Upload(truth.name, truth.getvalue()) if truth else None


def example_answer(
    example: Example, model: Model, shards: list[str], flips: bool, uncertainty: bool
) -> Answer:
    """Predict a test slice of the workflow."""
    scan, truth = load_example(example, model.about, [Path(path) for path in shards])
    prediction = predict(model, scan, flips=flips, uncertainty=uncertainty)
    return finish(prediction, model, None if prediction.is_classified else truth)


def remembered(key: Any) -> Answer | None:
    """Return the visitor's last answer, if it is to the same question."""
    last = st.session_state.get("last")
    return last[1] if last and last[0] == key else None


def remember(key: Any, answer: Answer) -> Answer:
    """Keep an answer for the next look at it: another slice, another opacity."""
    st.session_state["last"] = (key, answer)
    return answer


def show(answer: Answer, model: Model, extras: list[str]) -> None:
    """Draw an answer."""
    for text in answer.prediction.warnings:
        st.warning(text)
    numbers(answer)
    if answer.prediction.is_classified:
        st.image(View(answer).image(0), caption="Scan")
        downloads(answer)
        return
    view, row = choose_slice(answer)
    place = st.container()
    opacity = st.slider("Opacity of the overlay", 0.0, 1.0, 0.45, 0.05)
    pictures = [("Scan", view.image(row))]
    if answer.truth is not None:
        pictures.append(("Original mask", view.truth(row)))
    pictures.append(("Predicted mask", view.prediction(row)))
    pictures.append(("Overlay", view.overlay(row, opacity)))
    for column, (caption, picture) in zip(place.columns(len(pictures)), pictures, strict=True):
        column.image(picture, caption=caption, width="stretch")
    more(answer, model, extras, row if view.plane == "axial" else view.first)
    downloads(answer)


def choose_slice(answer: Answer) -> tuple[View, int]:
    """Ask for plane and slice of a volume."""
    if not answer.prediction.scan.is_volume:
        return View(answer), 0
    plane = st.radio("Plane", PLANES, horizontal=True)
    view = View(answer, plane)
    if view.length == 1:
        return view, 0
    return view, st.slider("Slice", 0, view.length - 1, view.first, key=f"slice-{plane}")


def numbers(answer: Answer) -> None:
    """Draw the alert, pixel count, area and probability."""
    facts, found = answer.facts, answer.prediction
    probability = facts["tumour_probability"]
    if not found.is_classified and not facts["tumour"]["pixels"]:
        if found.closed.all():
            st.error(
                f"No tumour: the classifier's probability of tumour is {probability:.2f}; the "
                "segmenter was not asked.",
                icon=":material/notifications:",
            )
        else:
            st.error("No tumour: not one pixel reaches the threshold.", icon=":material/info:")
    cells = [("Probability of tumour", f"{probability:.3f}")]
    if not found.is_classified:
        amount = facts["tumour"]
        cells.insert(0, ("Pixels of tumour", f"{amount['pixels']}"))
        if amount["largest_area_mm2"] is not None:
            cells.append(("Largest area", f"{amount['largest_area_mm2']:.0f} mm²"))
        if amount["volume_mm3"] is not None:
            cells.append(("Volume", f"{amount['volume_mm3'] / 1000:.2f} cm³"))
        for name, scores in facts.get("against_truth", {}).items():
            for key, title in (("dice", "Dice"), ("iou", "IoU")):
                value = scores[key]
                text = "undefined" if value is None else f"{value:.3f}"
                cells.append((f"{title}, {name}", text))
    if facts["uncertainty"] is not None:
        cells.append(("Mean uncertainty", f"{facts['uncertainty']['mean']:.3f} bits"))
    for column, (title, text) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(title, text)
    st.caption(f"Probability: that of the {facts['tumour_probability_of']}.")


def more(answer: Answer, model: Model, extras: list[str], row: int) -> None:
    """Draw what was switched on."""
    pictures = []
    row = min(row, len(answer.prediction.mask) - 1)
    if "uncertainty" in extras and answer.prediction.entropy is not None:
        picture = entropy_picture(answer.prediction, row)
        pictures.append(("Uncertainty: black 0, white 1 bit, over flips", picture))
    if "attention" in extras:
        from gliomake.infer.explain import attention_picture

        picture = attention_picture(answer.prediction, model, row)
        pictures.append(("What raised the network's answer: blue little, red much", picture))
    for column, (caption, picture) in zip(st.columns(4), pictures, strict=False):
        column.image(picture, caption=caption, width="stretch")


def downloads(answer: Answer) -> None:
    """Offer mask and facts."""
    left, right, _ = st.columns([1, 1, 4])
    if answer.mask_name:
        left.download_button("Mask", answer.mask_data, answer.mask_name, on_click="ignore")
    name = f"{answer.prediction.scan.name}.json"
    right.download_button("JSON", answer.json_data, name, on_click="ignore")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
