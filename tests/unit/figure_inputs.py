"""Small inputs for figures and tables: a phantom through the real stages, with made-up predictions.

Predictions are the truth, blurred, shifted and sometimes lost, so that no training is needed.
"""

import atexit
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage

from changed_study import changed, replaced
from gliomake.datasets import open_dataset
from gliomake.files.predictions import write_predictions
from gliomake.files.shards import load_arrays, write_shard
from gliomake.files.tsv import read_tsv, write_tsv
from gliomake.phantom import write_phantom
from gliomake.prepare.index import merge_index
from gliomake.prepare.preprocess import preprocess
from gliomake.prepare.split import make_split, write_split
from gliomake.scoring.measure import measure_run
from gliomake.scoring.stages import RunTables, score_model
from gliomake.study.kinds import KINDS
from gliomake.study.load import load_study
from gliomake.study.model import Study
from gliomake.study.products import study_metrics
from gliomake.study.targets import TargetSpec, target_spec
from gliomake.training.history import history_columns

CONFIG = Path(__file__).parents[2] / "config" / "studies"
PHANTOMS: dict[str, dict[str, Any]] = {
    "lgg": {"patients": 8, "slices": 12},
    "brats2020": {"patients": 6, "shape": (24, 48, 48)},
    "brats2021": {"patients": 8, "shape": (24, 48, 48)},
    "coco": {"patients": 6, "slices": 4, "size": 128},
}


@cache
def study_inputs(study_id: str) -> "FigureInputs":
    """Give the inputs of a study; all tests of a process share them."""
    folder = tempfile.TemporaryDirectory(prefix=f"{study_id}-")
    atexit.register(folder.cleanup)
    return FigureInputs(Path(folder.name), study_id)


class FigureInputs:
    """The files of one study, made once in a folder and handed out by need.

    Parameters
    ----------
    folder : Path
        Where to.
    study_id : str
        A study of ``config/studies``.
    image_size : int
        Height and width of the preprocessed slices, pixels.
    phantom : dict, optional
        Options of the phantom.
    resamples : int
        Of the bootstrap.
    root : Path, optional
        Data to take in place of a phantom.
    dataset_options : dict, optional
        Options of the data set's reader.
    study : Study, optional
        A study of another page.
    """

    def __init__(
        self,
        folder: Path,
        study_id: str,
        image_size: int = 32,
        phantom: dict[str, Any] | None = None,
        resamples: int = 20,
        root: Path | None = None,
        dataset_options: dict[str, Any] | None = None,
        study: Study | None = None,
    ):
        self.folder = folder
        self.study = changed(
            study or load_study(CONFIG / f"{study_id}.yaml", "demo"),
            preprocess={"image_size": image_size},
            split={"max_patients": None},
        )
        self.resamples = resamples
        self.root = root or folder / "phantom"
        self.dataset_options = dataset_options or {}
        if root is None:
            options = phantom or PHANTOMS[self.study.dataset]
            write_phantom(self.study.dataset, self.root, seed=1, **options)
        self._index_and_shards()

    def spec(self, output: str, block: dict[str, Any], name: str = "target") -> TargetSpec:
        """Join a block of a study's file with the files that it needs."""
        study = replaced(self.study, **{output: {name: block}})
        runs = block.get("runs") or [block.get("run") or study.run]
        inputs: dict[str, Any] = {}
        for need in KINDS[block["kind"]].needs:
            if need == "splits":
                inputs[need] = [self.split(run) for run in runs]
            elif need == "split":
                inputs[need] = self.split(runs[0])
            elif need in ("slices", "cases"):
                inputs[need] = self.folder / f"{need}.tsv"
            elif need == "root":
                inputs[need] = self.root
            elif need == "shards":
                inputs[need] = [self.folder / "000.h5"]
            else:
                inputs[need] = [self.model_file(model, runs[0], need) for model in block["models"]]
        return target_spec(
            study,
            output,
            name,
            inputs,
            data="phantom",
            scale="demo",
            dataset_options=self.dataset_options,
        )

    def split(self, run: str) -> Path:
        """Give the split of a run."""
        method = run.rsplit("-", 1)[0]
        path = self.folder / "split" / f"{method}.tsv"
        if not path.exists():
            shares = self.study.split
            slices, cases = (read_tsv(self.folder / f"{name}.tsv") for name in ("slices", "cases"))
            if self.study.preprocess.slices == "tumour":
                slices = slices[slices[["NEC", "ED", "ET"]].any(axis=1)]
            made = make_split(
                slices,
                cases,
                method=method.split("-")[0],
                test=shares.test,
                val=shares.val,
                seed=0,
            )
            write_split(made, path)
        return path

    def model_file(self, model: str, run: str, need: str) -> Path:
        """Give a file of a model's run, made up where it is not there yet."""
        names = {
            "history": "history.tsv",
            "train": "train.json",
            "counts": "counts.tsv",
            "model": "model.json",
            "predictions": "predictions.h5",
            "metrics": "metrics.json",
        }
        path = self.folder / model / run / names[need]
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            getattr(self, f"_write_{need}")(model, run, path)
        return path

    def _index_and_shards(self) -> None:
        name = self.study.dataset
        dataset = open_dataset(name, self.root, **self.dataset_options)
        reports = [dataset.inspect(case) for case in dataset.cases()]
        merge_index(
            dataset,
            reports,
            on_bad_case="skip",
            data="phantom",
            slices_path=self.folder / "slices.tsv",
            cases_path=self.folder / "cases.tsv",
            integrity_path=self.folder / "integrity.json",
        )
        recipe = self.study.recipe
        kept = {report.case for report in reports if not report.problems}
        volumes = (
            preprocess(dataset.load(case), dataset.channels, recipe, dataset.classes)
            for case in dataset.cases()
            if case in kept
        )
        write_shard(self.folder / "000.h5", volumes, dataset=name, recipe=recipe)

    def _write_predictions(self, model: str, run: str, path: Path) -> None:
        table = read_tsv(self.split(run))
        keys = table[table["subset"] != "train"].reset_index(drop=True)
        arrays = load_arrays([self.folder / "000.h5"], keys)
        rng = np.random.default_rng(sum(map(ord, model)))
        truth = arrays.mask.astype(np.float32)
        if model == "resnet50-classifier":
            found = truth.any(axis=(1, 2, 3)) * 0.7 + 0.15 + rng.normal(0, 0.25, len(truth))
            probability = np.clip(found, 0, 1).reshape(-1, 1, 1, 1)
        else:
            quality = rng.uniform(0.55, 1.15, (len(truth), 1, 1, 1))
            moved = np.stack(
                [
                    ndimage.shift(mask, (0, *rng.normal(0, 1.2 * mask.shape[-1] / 64, 2)), order=0)
                    for mask in truth
                ]
            )
            blur = (0, 0, 1.5 * truth.shape[-1] / 64, 1.5 * truth.shape[-1] / 64)
            probability = ndimage.gaussian_filter(moved, blur) * quality
            probability = np.clip(probability, 0.01, 0.99)
        attributes = {
            "study": self.study.id,
            "model": model,
            "run": run,
            "classes": list(self.study.classes),
            "threshold": 0.5,
        }
        write_predictions(
            path,
            [probability],
            patient=list(keys["patient"]),
            slice=list(keys["slice"]),
            subset=list(keys["subset"]),
            spacing=arrays.spacing,
            attributes=attributes,
        )

    def _write_counts(self, model: str, run: str, path: Path) -> None:
        predictions = self.model_file(model, run, "predictions")
        shards = [self.folder / "000.h5"]
        measured = measure_run(predictions, shards, postprocess=self.study.postprocess)
        write_tsv(measured.counts, path)

    def _write_metrics(self, model: str, run: str, path: Path) -> None:
        counts = read_tsv(self.model_file(model, run, "counts"))
        rows = score_model(
            {run: RunTables(counts)},
            task=self.study.task(model),
            metrics=study_metrics(self.study),
            bootstrap={"resamples": self.resamples, "seed": 0},
        )
        path.write_text(json.dumps(rows))

    def _write_history(self, model: str, run: str, path: Path) -> None:
        training = self.study.models[model].training
        task = self.study.task(model)
        columns = history_columns(self.study.classes, task, training["loss"])
        rng = np.random.default_rng(sum(map(ord, model)))
        epoch = np.arange(1, training["epochs"] + 1)
        table = pd.DataFrame({"epoch": epoch, "learning_rate": 1e-3, "seconds": 4.0})
        for column in columns[3:]:
            rise = 0.9 * (1 - np.exp(-epoch / rng.uniform(2, 4)))
            noise = rng.normal(0, 0.03 if column.startswith("val") else 0.005, len(epoch))
            falls = column.endswith("loss")
            table[column] = np.clip((1 - rise if falls else rise) + noise, 0.01, 0.99)
        write_tsv(table, path)

    def _write_train(self, model: str, run: str, path: Path) -> None:
        facts = {
            "seconds": 5400.0,
            "device": "a processor",
            "parameters": 1_234_567,
            "best_epoch": 7,
            "epochs": 11,
        }
        path.write_text(json.dumps(facts))

    def _write_model(self, model: str, run: str, path: Path) -> None:
        path.write_text("{}")  # of no use to the page: its panels are drawn
