"""The command ``gliomake``: what is done outside the workflow, with models, papers, reports."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0; 1 where some input was refused; 2 for a wrong command line.
    """
    parsed = parser().parse_args(arguments)
    try:
        run: Command = parsed.run
        return run(parsed)
    except (ValueError, OSError, ImportError) as error:
        # Errors that the library words for the user; a fault of its own keeps its traceback.
        if type(error).__module__.startswith("gliomake.") or isinstance(error, OSError):
            print(f"gliomake: {error}", file=sys.stderr)
            return 1
        raise
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(
        prog="gliomake",
        description="Use trained models on new scans; score predictions; check the numbers of a "
        "paper or of a report. For research only.",
    )
    commands = whole.add_subparsers(title="commands", required=True, metavar="<command>")
    _add_predict(commands)
    _add_app(commands)
    _add_score(commands)
    _add_audit(commands)
    _add_check(commands)
    return whole


def _add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    predict = commands.add_parser(
        "predict",
        help="find tumour on new scans",
        description="Write for each scan a mask in its own format and geometry, an overlay and a "
        "JSON with pixels, area or volume, probability of tumour and uncertainty.",
    )
    predict.add_argument("model", help="results/<study>/<model>/<run>, with its model.json")
    predict.add_argument(
        "inputs", nargs="*", metavar="scan", help="TIFF, PNG, JPEG, NIfTI, or a folder of slices"
    )
    predict.add_argument(
        "--modality", action="append", default=[], metavar="CHANNEL=FILE",
        help="one NIfTI file of a volume; once for each channel of the model",
    )  # fmt: skip
    predict.add_argument("--out", default="predictions", help="folder to write to (%(default)s)")
    predict.add_argument("--gate", action="store_true", help="put the study's classifier before it")
    predict.add_argument("--flips", action="store_true", help="average over the scan and its flips")
    predict.add_argument(
        "--uncertainty", action="store_true", help="write the entropy over flips, without averaging"
    )
    predict.add_argument("--attention", action="store_true", help="draw what the network looked at")
    predict.add_argument("--truth", help="the scan's mask, or a folder of <scan>_mask files")
    predict.add_argument(
        "--probabilities", action="store_true", help="write the probabilities as .npz as well"
    )
    predict.add_argument(
        "--runtime", choices=("torch", "onnx"), default="torch",
        help="onnx: the model.onnx beside the weights (%(default)s)",
    )  # fmt: skip
    predict.add_argument("--device", default="cpu", help="cpu, cuda or auto (%(default)s)")
    predict.add_argument(
        "--threads", type=_threads, default=1,
        help="of the CPU; one gives the bits that the workflow writes (%(default)s)",
    )  # fmt: skip
    predict.set_defaults(run=_predict)


def _add_app(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    app = commands.add_parser(
        "app",
        help="open the web page",
        description="Serve a page on which a trained model is tried on examples and uploads.",
    )
    app.add_argument("--results", default="results", help="folder of trained models (%(default)s)")
    app.add_argument("--port", type=int, default=8501, help="%(default)s")
    app.add_argument(
        "--address", default="127.0.0.1",
        help="where to listen; anything but %(default)s lets other machines in",
    )  # fmt: skip
    app.add_argument("--max-upload", type=int, default=200, help="MB a file (%(default)s)")
    app.set_defaults(run=_app)


def _add_score(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    score = commands.add_parser(
        "score",
        help="score predictions against the truth",
        description="Make a study out of folders of masks, and build its report: every score under "
        "every averaging rule with its interval, distances, comparisons, viewer. Exit status 0: "
        "all was scored; 1: something was missing, or could not be read.",
    )
    score.add_argument("--truth", required=True, type=Path, help="folder of the true masks")
    score.add_argument(
        "--predictions", required=True, type=Path, action="append", metavar="FOLDER",
        help="folder of predictions, COCO results file or predictions.h5; once for each model",
    )  # fmt: skip
    score.add_argument("--out", required=True, type=Path, help="folder to write to")
    score.add_argument(
        "--labels", metavar="1=NEC,2=ED", help="what values of the masks mean; by default found"
    )
    score.add_argument(
        "--prediction-labels", metavar="1=NEC,2=ED",
        help="the same of the predictions, where their values are others than the truth's",
    )  # fmt: skip
    score.add_argument(
        "--patient", metavar="REGEX",
        help="on a case's name: its first group is the patient; by default each case is one",
    )  # fmt: skip
    score.add_argument(
        "--regions", metavar="WT=NEC+ED+ET", help="unions of classes, scored beside them"
    )
    score.add_argument(
        "--lesions", choices=("glioma-2023", "metastases-2023"),
        help="score lesions one by one, by the rules of BraTS since 2023",
    )  # fmt: skip
    score.add_argument(
        "--no-distances", dest="distances", action="store_false",
        help="leave out HD95 and surface Dice, which take longest",
    )  # fmt: skip
    score.add_argument("--images", type=Path, help="folder of the scans, to see them in the report")
    score.add_argument(
        "--pattern", help="where predictions lie in their folder, such as {case}_{class}.nii.gz"
    )
    score.add_argument("--truth-pattern", help="where true masks lie in theirs")
    score.add_argument("--name", default="scores", help="of the study (%(default)s)")
    score.add_argument("--cores", type=_threads, default=2, help="%(default)s")
    score.add_argument("--dry-run", action="store_true", help="write the pages, and build nothing")
    score.set_defaults(run=_score)


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser(
        "audit",
        help="check the numbers of a paper against each other",
        description="Hold the numbers that a report prints against each other, without its data. "
        "Exit status 0: nothing contradicts; 1: something does; 2: the table cannot be read.",
    )
    audit.add_argument(
        "claims", nargs="?", metavar="CLAIMS.csv",
        help="one number a row; commas, semicolons or tabs",
    )  # fmt: skip
    audit.add_argument("--template", action="store_true", help="print a table to fill in")
    audit.add_argument("--out", metavar="PAGE.html", help="write the findings as a page")
    audit.add_argument("--json", metavar="FILE", help="write the findings as JSON")
    audit.add_argument("--all", action="store_true", help="print what agrees as well")
    audit.set_defaults(run=_audit)


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = commands.add_parser(
        "check",
        help="recompute one number of a report",
        description="Compute one number of a report again from the counts behind it, print the "
        "arithmetic, and compare it with the results, with the pages and with the hashes of its "
        "files. Exit status 0: all agree; 1: something differs, or there is no such number.",
    )
    check.add_argument(
        "id", help="of the number, as its panel in the report shows it, or the panel's address"
    )
    check.add_argument(
        "--directory", type=Path, default=Path(), metavar="DIR",
        help="where the report was built, by default here",
    )  # fmt: skip
    check.set_defaults(run=_check)


def _threads(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError(f"{value}: expected 1 to 256")
    return value


def _predict(parsed: argparse.Namespace) -> int:
    from gliomake.infer.command import predict_files

    return predict_files(
        parsed.model,
        [Path(path) for path in parsed.inputs],
        modalities=_modalities(parsed.modality),
        out=Path(parsed.out),
        gate=parsed.gate,
        flips=parsed.flips,
        uncertainty=parsed.uncertainty,
        attention=parsed.attention,
        truth=Path(parsed.truth) if parsed.truth else None,
        probabilities=parsed.probabilities,
        runtime=parsed.runtime,
        device=parsed.device,
        threads=parsed.threads,
    )


def _modalities(given: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not path or name in found:
            parser().error(f"--modality {text!r}: expected <channel>=<file>, each channel once")
        found[name] = Path(path)
    return found


def _score(parsed: argparse.Namespace) -> int:
    from gliomake.score.command import score

    return score(
        parsed.truth,
        parsed.predictions,
        out=parsed.out,
        labels=parsed.labels,
        prediction_labels=parsed.prediction_labels,
        patient=parsed.patient,
        pattern=parsed.pattern,
        truth_pattern=parsed.truth_pattern,
        images=parsed.images,
        regions=parsed.regions,
        lesions=parsed.lesions,
        distances=parsed.distances,
        name=parsed.name,
        cores=parsed.cores,
        dry_run=parsed.dry_run,
    )


def _audit(parsed: argparse.Namespace) -> int:
    from gliomake.claims.command import audit_file, print_template

    if parsed.template:
        return print_template()
    if parsed.claims is None:
        parser().error("audit: expected a table of numbers, or --template for one to fill in")
    return audit_file(
        parsed.claims,
        page=Path(parsed.out) if parsed.out else None,
        json_file=Path(parsed.json) if parsed.json else None,
        all_=parsed.all,
    )


def _check(parsed: argparse.Namespace) -> int:
    from gliomake.verify.one import check_number

    found = check_number(parsed.id, parsed.directory)
    print("\n".join(found.lines()))
    return 0 if found.agrees else 1


def _app(parsed: argparse.Namespace) -> int:
    from gliomake.infer.app import serve

    return serve(parsed.results, parsed.address, parsed.port, parsed.max_upload)
