"""Small sound files of each format that a user brings, or that the workflow reads again."""

import json
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pandas as pd
import tifffile
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from gliomake.datasets.base import Volume
from gliomake.files.predictions import write_predictions
from gliomake.files.shards import write_shard
from gliomake.models import create_model
from gliomake.training.checkpoint import Snapshot, StateFolder, save_weights

KEYS = pd.DataFrame({"patient": ["p1"] * 4, "slice": [0, 1, 2, 3]})


def lgg(root: Path) -> None:
    """Two slices of a patient: plain and deflated."""
    rng, case = np.random.default_rng(1), "TCGA_CS_4941_19960909"
    folder = root / case
    folder.mkdir(parents=True)
    mask = np.zeros((256, 256), np.uint8)
    mask[50:90, 60:100] = 255
    for number, packing in ((1, None), (2, "zlib")):
        # Smooth, so that the deflated one is small.
        image = np.repeat(np.repeat(rng.integers(0, 255, (8, 8, 3), np.uint8), 32, 0), 32, 1)
        name = folder / f"{case}_{number}"
        tifffile.imwrite(f"{name}.tif", image, photometric="rgb", compression=packing)
        tifffile.imwrite(f"{name}_mask.tif", mask, compression=packing)
    (root / "data.csv").write_text(
        "Patient,RNASeqCluster,age_at_initial_pathologic,gender\n"
        "TCGA_CS_4941,2,67,2\nTCGA_CS_4942,1,,1\n"
    )


def brats(root: Path, suffix: str = ".nii.gz") -> None:
    """One case of BraTS 2020 with its tables."""
    rng, case = np.random.default_rng(2), "BraTS20_Training_001"
    folder = root / case
    folder.mkdir(parents=True)
    truth = np.zeros((24, 20, 6), np.uint8)
    truth[4:9, 4:9, 2:4], truth[5:7, 5:7, 2:4], truth[10:12, 4:9, 2] = 1, 4, 2
    for name in ("t1", "t1ce", "t2", "flair", "seg"):
        voxels = truth if name == "seg" else rng.integers(0, 900, truth.shape).astype(np.int16)
        image = nibabel.Nifti1Image(voxels, np.diag([-1.0, -1, 1, 1]))
        nibabel.save(image, folder / f"{case}_{name}{suffix}")
    (root / "name_mapping.csv").write_text(
        "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
        f"BraTS_2019_subject_ID,BraTS_2020_subject_ID\nHGG,a,b,NA,c,{case}\n"
    )
    (root / "survival_info.csv").write_text(
        f"Brats20ID,Age,Survival_days,Extent_of_Resection\n{case},60.463,289,GTR\n"
        "BraTS20_Training_002,52,ALIVE (361 days later),NA\n"
    )


def slice_files(root: Path) -> None:
    """Two slices in HDF5: contiguous, and in packed chunks."""
    root.mkdir(parents=True)
    rng = np.random.default_rng(3)
    mask = np.zeros((24, 20, 3), np.uint8)
    mask[4:8, 4:8, 0] = 1
    for number, packing in ((0, {}), (1, {"compression": "gzip"})):
        with h5py.File(root / f"volume_1_slice_{number}.h5", "w") as file:
            file.create_dataset("image", data=rng.normal(size=(24, 20, 4)), **packing)
            file.create_dataset("mask", data=mask, **packing)


def coco(root: Path, suffix: str = ".jpg") -> None:
    """Three folders of two images each: a polygon and a run-length mask."""
    rng = np.random.default_rng(4)
    truth = np.zeros((40, 36), np.uint8, order="F")
    truth[3:9, 4:12] = 1
    runs = coco_mask.encode(truth)
    runs["counts"] = runs["counts"].decode()
    shapes = [
        {"segmentation": [[5, 5, 20, 5, 20.5, 22, 6, 20]], "bbox": [5, 5, 15, 17], "area": 255},
        {"segmentation": runs, "bbox": [4, 3, 8, 6], "area": 48},
    ]
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 1, "brain"
    for folder in ("train", "valid", "test"):
        (root / folder).mkdir(parents=True)
        images, annotations = [], []
        for number, shape in enumerate(shapes):
            name = f"b{number}{suffix}"
            pixels = rng.integers(0, 255, (40, 36), np.uint8)
            Image.fromarray(pixels).convert("RGB").save(root / folder / name, exif=exif)
            images.append({"id": number, "file_name": name, "height": 40, "width": 36})
            facts = {"id": number + 1, "image_id": number, "category_id": 1, "iscrowd": number}
            annotations.append(facts | shape)
        categories = [{"id": 0, "name": "Tumor"}, {"id": 1, "name": "1"}]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / folder / "_annotations.coco.json").write_text(json.dumps(content))


def shard(root: Path) -> None:
    """A shard of four slices."""
    rng = np.random.default_rng(5)
    image = rng.integers(0, 255, (4, 3, 16, 16), np.uint8)
    mask = rng.integers(0, 2, (4, 1, 16, 16)).astype(np.uint8)
    volume = Volume("c", "p1", np.arange(4), image, mask, (1.0, 1.0, 1.0))
    recipe = {
        "image_size": 16,
        "channels": ["a", "b", "c"],
        "classes": ["tumour"],
        "intensity": "unit",
        "slices": "all",
    }
    write_shard(root / "000.h5", [volume], dataset="lgg", recipe=recipe)


def predictions(root: Path) -> None:
    """A shard, and the predictions of its slices by a segmenter and a classifier."""
    shard(root)
    rng = np.random.default_rng(6)
    for model, size in (("unet", 16), ("classifier", 1)):
        write_predictions(
            root / f"{model}.h5",
            [rng.random((4, 1, size, size))],
            patient=["p1"] * 4,
            slice=[0, 1, 2, 3],
            subset=["val", "test", "test", "test"],
            spacing=np.ones((4, 3), np.float32),
            attributes={
                "study": "s",
                "model": model,
                "run": "patient-f0-s0",
                "classes": ["tumour"],
                "threshold": 0.5,
            },
        )


def split(root: Path) -> None:
    """A split by patient."""
    root.mkdir(parents=True)
    rows = [
        f"{patient}\t{number}\t{subset}"
        for patient, subset in (("a", "train"), ("b", "val"), ("c", "test"))
        for number in (1, 2, 3)
    ]
    text = "\n".join(["patient\tslice\tsubset", *rows, ""])
    (root / "patient-f0.tsv").write_text(text)


def weights(root: Path) -> None:
    """The weights of a small U-Net."""
    root.mkdir(parents=True)
    save_weights(create_model("unet", 1, 1, base=4, depth=2).state_dict(), root / "w.safetensors")


def state(root: Path) -> None:
    """Two generations of a training's state."""
    with StateFolder(root, "key") as folder:
        for serial in (1, 2):
            folder.save(Snapshot({"a": torch.full((50,), float(serial))}, {"n": serial}))


def counts(root: Path) -> None:
    """The counts, distances, history and scores of a run, and what train.json says."""
    root.mkdir(parents=True)
    keys = "patient\tsubset\tclass\tpostprocess"
    (root / "counts.tsv").write_text(
        "patient\tslice\tsubset\tclass\tpostprocess\ttp\tfp\tfn\ttn\n"
        "a\t1\ttest\ttumour\tfalse\t3\t1\t0\t60\na\t2\ttest\ttumour\tfalse\t0\t1\t12\t51\n"
    )
    (root / "distances.tsv").write_text(
        f"{keys}\thd95\tnsd\thd95-union\tmissed\n"
        "a\ttest\ttumour\tfalse\t3.25\t0.5\t3\tfalse\n"
        "b\ttest\ttumour\tfalse\t\t\t\tfalse\n"
    )
    (root / "history.tsv").write_text(
        "epoch\tlearning_rate\tseconds\ttrain_loss\tval_loss\n1\t0.1\t2.5\t0.7\t\n2\t0.1\t5\t0.6\t1\n"
    )
    score = {
        "run": "patient-f0-s0",
        "subset": "test",
        "class": "tumour",
        "metric": "dice",
        "convention": "pooled",
        "postprocess": False,
        "value": 0.5,
        "n": 1,
    }
    (root / "metrics.json").write_text(json.dumps([score, score | {"value": None}]))
    (root / "train.json").write_text(json.dumps({"seconds": 3.5, "device": "cpu"}))
