"""``${...}`` in the stages of a dvc.yaml: folders, loops, outs and their options, filled in as DVC does it.

Values come from ``params.yaml`` and the ``vars`` of the file and of the stage. What only a generated stage knows
(``item``, ``key``) stays for whoever has its name, and so does what no parameter surely tells.

Source: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files#templating
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from typing import Any

from tagline.domain.manifest.dvc_stages import GENERATORS, KINDS, as_mapping
from tagline.domain.manifest.interpolation import LoadParams, UnresolvedError, Values, part_filled, uses_templates

#: Characters that one file's texts may become together.
_MOST = 20_000_000


def settled(pipeline: Any, file: str, load: LoadParams) -> Any:
    """A dvc.yaml's data with its stages filled in; the data itself without any, or where DVC refuses it."""
    stages = as_mapping(as_mapping(pipeline).get("stages"))
    if not any(uses_templates(_parts(stage)) for stage in stages.values()):
        return pipeline
    try:
        values = Values.of_pipeline(pipeline, file, load)
        filling = _Filling(values, posixpath.dirname(file), load)
        return {**pipeline, "stages": {name: filling.stage(stage) for name, stage in stages.items()}}
    except UnresolvedError:
        return pipeline


def _parts(stage: Any) -> list[Any]:
    """What is filled in of a stage."""
    bodies = (as_mapping(stage), as_mapping(as_mapping(stage).get("do")))
    return [body.get(key) for body in bodies for key in ("wdir", *GENERATORS, *KINDS)]


class _Filling:
    """The stages of one file. Raises UnresolvedError where they would become too large."""

    def __init__(self, values: Values, directory: str, load: LoadParams) -> None:
        self._values = values
        self._directory = directory
        self._load = load
        self._left = _MOST

    def stage(self, stage: Any) -> Any:
        """A stage, or the definition of those that a loop generates."""
        if not isinstance(stage, Mapping):
            return stage
        loops = {key: self._any(stage[key], self._values.known, ()) for key in GENERATORS if key in stage}
        # In a loop over a list there is no key.
        is_list = "matrix" not in stage and isinstance(loops.get("foreach"), list)
        later = () if not loops else ("item",) if is_list else ("item", "key")
        do = stage.get("do")
        if isinstance(do, Mapping):
            return {**stage, **loops, "do": {**do, **self._body(do, later)}}
        return {**stage, **loops, **self._body(stage, later)}

    def _body(self, body: Mapping[str, Any], later: Collection[str]) -> dict[str, Any]:
        """The folder and the outs of a definition."""
        wdir, values = body.get("wdir"), self._values.known
        found: dict[str, Any] = {}
        if isinstance(wdir, str):
            found["wdir"] = wdir = self._text(wdir, values, later)
        if "vars" in body:
            # Its files lie in the folder, which may still be unknown.
            if uses_templates(wdir) or uses_templates(body["vars"]):
                return found
            folder = posixpath.normpath(posixpath.join(self._directory, wdir or ""))
            try:
                values = self._values.with_stage(body["vars"], "" if folder == "." else folder, self._load).known
            except UnresolvedError:
                return found
        for kind in KINDS:
            if isinstance(body.get(kind), list):
                found[kind] = [self._out(out, values, later) for out in body[kind]]
        return found

    def _out(self, out: Any, values: Mapping[str, Any], later: Collection[str]) -> Any:
        if isinstance(out, str):
            return self._text(out, values, later)
        if not isinstance(out, Mapping):
            return out
        return {
            self._text(path, values, later) if isinstance(path, str) else path: self._any(options, values, later)
            for path, options in out.items()
        }

    def _text(self, text: str, values: Mapping[str, Any], later: Collection[str]) -> str:
        """Of a path; one that would be something else than text is left as it is."""
        found = part_filled(text, values, later)
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            return text
        return self._counted(str(found))

    def _any(self, value: Any, values: Mapping[str, Any], later: Collection[str]) -> Any:
        if isinstance(value, str):
            found = part_filled(value, values, later)
            return self._counted(found) if isinstance(found, str) else found
        if isinstance(value, Mapping):
            return {self._any(key, values, later): self._any(part, values, later) for key, part in value.items()}
        return [self._any(part, values, later) for part in value] if isinstance(value, list) else value

    def _counted(self, text: str) -> str:
        self._left -= len(text)
        if self._left < 0:
            raise UnresolvedError("The stages are too large with their templates filled in.", "Write shorter values.")
        return text
