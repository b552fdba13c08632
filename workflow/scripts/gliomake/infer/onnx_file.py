"""``model.onnx`` beside the weights, run by onnxruntime where that is installed."""

from pathlib import Path
from typing import Any

import numpy as np

from gliomake.infer.describe import Description, ModelError

ONNX_FILE, CHECK_FILE = "model.onnx", "onnx.json"
INPUT = "image"
BATCH = 32


def onnx_predictor(folder: Path, about: Description, threads: int = 1) -> Any:
    """Return what predicts prepared slices by the exported network.

    Parameters
    ----------
    folder : Path
        The model's folder.
    about : Description
        Its ``model.json``.
    threads : int
        Threads of the CPU.

    Returns
    -------
    callable
        As `gliomake.infer.model.Model.predictor`.

    Raises
    ------
    ModelError
        onnxruntime or the file is missing, or the file is of other weights.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ModelError(
            "onnxruntime is not installed: pip install onnxruntime, or leave --runtime onnx out"
        ) from None
    path = folder / ONNX_FILE
    if not path.is_file():
        shown = "/".join(("results", *path.parts[-4:]))
        raise ModelError(f"{path}: no such file. Export it first: snakemake --cores 1 {shown}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime has errors of its own for each kind of damage.
        raise ModelError(f"{path} cannot be read ({error}); delete it and export again") from error
    found = session.get_modelmeta().custom_metadata_map.get("weights_sha256")
    if found != about.weights_sha256:
        raise ModelError(
            f"{path} was exported from other weights (sha256 {found}); delete it and export again"
        )

    def predict(image: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(image), BATCH):
            batch = image[start : start + BATCH]
            values = batch.astype(np.float32)
            if batch.dtype == np.uint8:
                values /= 255
            (logits,) = session.run(None, {INPUT: values})
            parts.append(probabilities_of(logits, about.task))
        return np.concatenate(parts)

    return predict


def probabilities_of(logits: np.ndarray, task: str) -> np.ndarray:
    """Turn logits into probabilities of tumour, as `gliomake.training.data.probabilities` does.

    Parameters
    ----------
    logits : ndarray (n, class, height, width), or (n, 2) of a classifier
        float32.
    task : str
        ``segmentation`` or ``classification``.

    Returns
    -------
    ndarray (n, class, height, width), float16
        (n, 1, 1, 1) of a classifier.

    Examples
    --------
    >>> probabilities_of(np.zeros((1, 1, 1, 1), np.float32), "segmentation").ravel().tolist()
    [0.5]
    """
    # Both signs by an exponent that cannot overflow.
    if task == "classification":
        logits = (logits[:, 1] - logits[:, 0]).reshape(-1, 1, 1, 1)
    shrunk = np.exp(-np.abs(logits))
    sigmoid = np.where(logits >= 0, 1 / (1 + shrunk), shrunk / (1 + shrunk))
    return sigmoid.astype(np.float16)
