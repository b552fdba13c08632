"""What a start is asked for: unknown targets, too few patients for a run, mistyped profiles."""

from pathlib import Path

import pytest

from gliomake.phantom.lgg import write_lgg
from gliomake.start import requests, settings
from gliomake.study.load import load_study
from gliomake.study.run import Run

ROOT = Path(__file__).parents[2]
STUDIES = {
    path.stem: load_study(path, "demo")
    for path in sorted((ROOT / "config" / "studies").glob("*.yaml"))
}
RULES = ["all", "verify", "coco_unet", "lgg_encoders", "lgg_two_stage"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("lgg_encoder", "did you mean lgg_encoders? there is all, coco_unet"),
        ("coco-unet", "did you mean coco_unet?"),
        (
            "results/lgg-encoder/unet/metrics.json",
            "no study 'lgg-encoder'; did you mean lgg-encoders",
        ),
        ("results/lgg-two-stage/unett/metrics.json", "no model 'unett'; did you mean unet?"),
        ("results/lgg-two-stage/unett/patient-f0-s0/weights.safetensors", "no model 'unett'"),
        ("results/lgg-two-stage/figures/maskss.svg", "has no figure 'maskss'"),
        ("results/coco-unet/tables/metrcs.csv", "no table 'metrcs'; did you mean metrics?"),
        ("results/coco-unet/figures/sample-masks.pdf", "figures end in .svg"),
        ("results/coco-unet/claim.tsv", "a study has no file 'claim.tsv'; did you mean claims.tsv"),
        ("results/lgg-two-stage/unet/patient-s0/weights.safetensors", "expected <split>-f<fold>"),
        ("results/lgg-two-stage/unet/leak150-f0-s0/counts.tsv", "a share of 0 to 100 percent"),
        ("results/lgg-two-stage/split/patient-f99.tsv", "there are 6 folds, f0 to f5"),
        ("results/lgg-two-stage/split/predefined-f0.tsv", "no folders for train, valid and test"),
        ("experiments/short/results/coco-unet/claims.tsv", "--config experiment=<name> results/"),
        ("reports/build/coco-unett.html", "did you mean coco-unet?"),
    ],
)
def test_an_unknown_target_says_what_there_is(target, expected):
    assert expected in requests.unknown_target(target, STUDIES, RULES)


@pytest.mark.parametrize(
    "target",
    [
        "all",
        "results/data/lgg/integrity.json",
        "results/shards/lgg-01234567/000.h5",
        "results/lgg-two-stage/unet-gated/metrics.json",
        "results/lgg-two-stage/flair-threshold/patient-f0-s0/baseline.json",
        "results/coco-unet/figures/sample-masks.png",
        "results/coco-unet/split/predefined-f0.tsv",
        "results/lgg-encoders/unet/patient-f3-s7/weights.safetensors",
        "reports/build/index.html",
        "reports/build/numbers.json",
    ],
)
def test_known_targets_pass(target):
    assert requests.unknown_target(target, STUDIES, RULES) == ""


def test_the_runs_behind_a_target():
    def names(*targets: str) -> set[str]:
        return {f"{s}/{run}" for s, run in requests.requested_runs(targets, STUDIES, ["coco-unet"])}

    assert names("all") == {"coco-unet/predefined-f0-s0"}
    assert "lgg-encoders/leak100-f1-s1" in names("lgg_encoders")
    assert names("results/lgg-two-stage/split/patient-f2.tsv") == {"lgg-two-stage/patient-f2-s0"}
    assert names("results/lgg-two-stage/unet/patient-f1-s4/weights.safetensors") == {
        "lgg-two-stage/patient-f1-s4"
    }
    assert names("results/data/lgg/slices.tsv", "resources/phantoms/lgg") == set()


def test_too_few_patients_stop_the_runs_that_need_them():
    def faults(patients: int | None, *runs: str) -> list[str]:
        asked = [("lgg-encoders", Run.parse(run)) for run in runs]
        return list(map(str, requests.run_faults(asked, STUDIES, lambda dataset, enough: patients)))

    [one] = faults(1, "patient-f0-s0")
    assert "study lgg-encoders: run patient-f0-s0 cannot exist: data set lgg: 1 patient" in one
    assert faults(3, "patient-f0-s0") == []
    [fifth] = faults(4, "patient-f0-s0", "leak0-f4-s0", "leak100-f4-s1")
    assert "leak0-f4-s0" in fifth and "4 patients" in fifth
    assert faults(None, "patient-f0-s0") == faults(5, "leak0-f4-s0") == []


def test_patients_are_counted_where_they_may_be_too_few(tmp_path):
    write_lgg(tmp_path / "lgg", 2, 0, slices=4, size=256)
    assert settings.few_patients("lgg", str(tmp_path / "lgg"), {}, 5) == 2
    assert settings.few_patients("lgg", str(tmp_path / "lgg"), {}, 0) is None
    (tmp_path / "odd").mkdir()
    assert settings.few_patients("lgg", str(tmp_path / "odd"), {"unheard": 1}, 5) is None


def test_the_data_sets_behind_a_target():
    targets = ["coco_unet", "results/data/lgg/cases.tsv", "reports/build/brats2021-flair.html"]
    assert requests.requested_datasets(targets, STUDIES) == {"coco", "lgg", "brats2021"}


PROFILES = [None, "none", "slurm", "default", "profiles/slurm", "profiles/slurm/config.yaml"]


@pytest.mark.parametrize("profile", [*PROFILES, str(ROOT / "profiles" / "slurm")])
def test_profiles_that_there_are(profile):
    assert requests.missing_profile(profile, [ROOT]) is None


@pytest.mark.parametrize(
    "profile", ["profiles/slrum", "slrum", "/no/such/slrum", "slurm/config.yml"]
)
def test_a_mistyped_profile_is_refused(profile):
    fault = str(requests.missing_profile(profile, [Path("/"), ROOT]))
    assert fault.startswith(f"--workflow-profile: found {profile!r}")
    assert "there is default, slurm" in fault
