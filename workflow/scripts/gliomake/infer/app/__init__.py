"""The web page on which a trained model is tried, and how it is served."""

import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from gliomake.infer.describe import ModelError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
AHEAD = ("gliomake.infer.app.answer", "gliomake.infer.app.find", "segmentation_models_pytorch")
PAGE = Path(__file__).with_name("page.py")


def serve(results: str | Path, address: str, port: int, max_upload: int) -> int:
    """Serve the page until it is interrupted.

    Parameters
    ----------
    results : str or Path
        Folder of trained models.
    address : str
        Where to listen; any but loopback is warned about, since the page asks for no password.
    port : int
        Of that address.
    max_upload : int
        Largest upload, MB.

    Returns
    -------
    int
        0, once it was stopped.

    Raises
    ------
    ModelError
        There is no such folder, or Streamlit is not installed.
    """
    results = Path(results).expanduser()
    if not results.is_dir():
        raise ModelError(f"{results}: no such folder; build the demo first (make demo)")
    if find_spec("streamlit") is None:
        raise ModelError("streamlit is not installed: pip install 'gliomake[app]', or make app")
    if address not in LOOPBACK:
        print(
            f"warning: the page listens on {address} and asks for no password: whoever reaches "
            "this machine can use it",
            file=sys.stderr,
        )
    from streamlit.web import cli

    print("loading ...", file=sys.stderr)
    _import_ahead()
    arguments = [*options(address, port), f"--server.maxUploadSize={max_upload}"]
    cli.main(
        ["run", str(PAGE), *arguments, "--", str(results.resolve())],
        prog_name="streamlit",
        standalone_mode=False,
    )
    return 0


def options(address: str, port: int) -> list[str]:
    """Return Streamlit's options: where to listen, and nothing that calls home."""
    return [
        f"--server.address={address}",
        f"--server.port={port}",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--server.enableXsrfProtection=true",
        "--browser.gatherUsageStats=false",
        "--client.toolbarMode=viewer",
        "--client.showErrorDetails=none",
        "--theme.base=light",
    ]


def _import_ahead() -> None:
    """Import what the first visitor would wait for, before the page is up: torch takes seconds."""
    for name in AHEAD:
        with suppress(ImportError):  # said where it is needed
            import_module(name)
