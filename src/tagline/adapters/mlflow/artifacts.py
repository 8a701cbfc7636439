"""The port ByteImport by the programs ``mlflow`` and ``dvc``: what they can read and write, an import can bring.

DVC works in a repository of its own, beside the user's: neither work tree nor cache of these is touched.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tagline.adapters.scratch import temporary
from tagline.domain.text.public import public
from tagline.errors import PlatformRefused, WrongUsage

#: Addresses in DVC's configuration may be relative to its folder, which is another one here.
_PLACE_RE = re.compile(r"^(\s*(?:url|dir)\s*=\s*)(\S.*?)\s*$", re.MULTILINE)
_ELSEWHERE_RE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/|~")
_MOST_WORDS = 500


class DvcImport:
    """``folder`` is the user's repository, whose ``.dvc/config.local`` may have what a remote needs; ``variables`` are
    set for ``mlflow``, and ``without`` are not.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], without: Sequence[str] = ()) -> None:
        self._folder = folder
        self._variables = variables
        self._without = without

    def bring(self, uri: str, path: str, config: Mapping[str, bytes]) -> bytes:
        """Download, ``dvc add`` and ``dvc push``."""
        mlflow, dvc = _program("mlflow"), _program("dvc")
        with temporary("tagline-import-") as folder:
            self._begin(folder, config, dvc)
            target = folder / path
            target.mkdir(parents=True)
            cleared = [word for name in self._without for word in ("-u", name)]
            named = [f"{name}={value}" for name, value in self._variables.items()]
            words = ["env", *cleared, *named, mlflow, "artifacts", "download", "--artifact-uri", uri, "--dst-path"]
            _run([*words, str(target)], folder, f"MLflow does not give the bytes of {uri}")
            if not any(target.iterdir()):
                raise _refused(f"MLflow has no bytes of {uri}", "", "Import it without --artifacts.")
            _run([dvc, "add", "--quiet", path], folder, f"DVC cannot add the bytes of {uri}")
            pointer = f"{path}.dvc"
            _run([dvc, "push", "--quiet", pointer], folder, f"DVC cannot push the bytes of {uri}")
            return (folder / pointer).read_bytes()

    def _begin(self, folder: Path, config: Mapping[str, bytes], dvc: str) -> None:
        _run(["git", "init", "--quiet"], folder, "Git cannot make a folder to work in")
        _run([dvc, "init", "--quiet"], folder, "DVC cannot make a folder to work in")
        local = self._folder / ".dvc" / "config.local"
        found = {**config, **({".dvc/config.local": local.read_bytes()} if local.is_file() else {})}
        for name, data in found.items():
            (folder / name).write_text(self._absolute(data.decode(errors="replace")))

    def _absolute(self, text: str) -> str:
        def place(match: re.Match[str]) -> str:
            where = match[2]
            return match[0] if _ELSEWHERE_RE.match(where) else f"{match[1]}{(self._folder / '.dvc' / where).resolve()}"

        return _PLACE_RE.sub(place, text)


def _program(name: str) -> str:
    """A program by its name: of the environment that this one is installed in, else of the machine."""
    own = Path(sys.executable).parent / name
    found = str(own) if own.is_file() else shutil.which(name)
    if found is None:
        raise WrongUsage(
            f"--artifacts needs the program {name}, which is not installed here.",
            "Install both: pip install mlflow 'dvc[s3]', with the extra of DVC that your remote needs.",
            code="program-missing",
        )
    return found


def _run(words: Sequence[str], folder: Path, failed: str) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise _refused(failed, said, "Mend what it says, and run the same command again.")


def _refused(failed: str, said: str, hint: str) -> PlatformRefused:
    words = public(said)[:_MOST_WORDS]
    return PlatformRefused(f"{failed}{f': {words}' if words else ''}.", hint, code="artifacts-not-brought")
