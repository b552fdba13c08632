import hashlib

import numpy as np
import pytest
import tifffile

from gliomake.datasets.lgg import LGGDataset
from gliomake.phantom import PHANTOMS, write_phantom
from gliomake.phantom.head import make_head
from gliomake.phantom.lgg import write_lgg


def digests(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_lgg(tmp_path / name, 3, seed, slices=(3, 5), size=32)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_a_patient_does_not_depend_on_how_many_there_are(tmp_path):
    write_lgg(tmp_path / "few", 2, 0, slices=3, size=32)
    write_lgg(tmp_path / "more", 4, 0, slices=3, size=32)
    few, more = digests(tmp_path / "few"), digests(tmp_path / "more")
    few.pop("data.csv")
    assert few.items() <= more.items()


def test_layout_of_the_real_files(tmp_path):
    write_lgg(tmp_path, 1, 0, slices=12)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    case = folder.name
    assert case.startswith("TCGA_DU_5000_")
    assert {path.name for path in folder.iterdir()} == {
        f"{case}_{number}{suffix}.tif" for number in range(1, 13) for suffix in ("", "_mask")
    }
    with tifffile.TiffFile(folder / f"{case}_7.tif") as image:
        page = image.pages[0]
        assert page.asarray().shape == (256, 256, 3)
        assert page.dtype == np.uint8
        assert (page.compression, page.photometric, page.rowsperstrip) == (1, 2, 11)
        assert {"Software", "DateTime", "ImageDescription"}.isdisjoint(
            tag.name for tag in page.tags
        )
    masks = [tifffile.imread(folder / f"{case}_{n}_mask.tif") for n in range(1, 13)]
    assert masks[0].shape == (256, 256)
    assert set(np.unique(masks)) == {0, 255}


def test_pixels_are_the_head(tmp_path):
    write_lgg(tmp_path, 1, 9, slices=6, size=64)
    dataset = LGGDataset(tmp_path, size=64)
    volume = dataset.load(dataset.cases()[0])
    head = make_head(0, 9, (6, 64, 64))
    np.testing.assert_array_equal(volume.mask[:, 0], head.tumour > 0)
    for index, contrast in enumerate((head.t1, head.flair, head.t1ce)):
        assert np.abs(volume.image[:, index] / 190 - contrast).max() < 0.5 / 190 + 1e-6


def test_missing_sequences_are_there_on_request(tmp_path):
    expected = [[]] * 4 + [["post-contrast"]] + [[]] * 4 + [["pre-contrast", "post-contrast"]]
    for missing in (True, False):
        root = tmp_path / str(missing)
        write_lgg(root, 10, 0, slices=2, size=24, missing=missing)
        dataset = LGGDataset(root, size=24)
        by_patient = sorted(dataset.cases(), key=lambda case: case.split("_")[2])
        found = [dataset.inspect(case).facts["missing_sequences"] for case in by_patient]
        assert found == (expected if missing else [[]] * 10)


def test_both_dialects_say_the_same(tmp_path):
    for dialect in ("comma", "semicolon"):
        write_lgg(tmp_path / dialect, 30, 0, slices=1, size=8, dialect=dialect)
    semicolon = (tmp_path / "semicolon" / "data.csv").read_bytes()
    comma = (tmp_path / "comma" / "data.csv").read_bytes()
    assert b"\r" not in comma
    assert semicolon.count(b"\r\n") == 31
    assert semicolon.replace(b";", b",").replace(b"\r\n", b"\n") == comma
    assert b",," in comma, "30 rows of the real table have blanks"


def test_unknown_dialect(tmp_path):
    with pytest.raises(ValueError, match="tab"):
        write_lgg(tmp_path, 1, 0, dialect="tab")


def test_registry_dispatches(tmp_path):
    write_phantom("lgg", tmp_path / "a", 1, 0, slices=2, size=16)
    write_lgg(tmp_path / "b", 1, 0, slices=2, size=16)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_unknown_layout(tmp_path):
    with pytest.raises(ValueError, match=f"'bratz'.*{', '.join(PHANTOMS)}"):
        write_phantom("bratz", tmp_path, 1, 0)
