"""Every rule of ``tagline validate``: its stable id, severity and meaning. See docs/rules.md."""

from __future__ import annotations

from typing import NamedTuple

from tagline.domain.manifest.findings import Severity


class Rule(NamedTuple):
    """A rule's severity, and what a finding of it means."""

    severity: Severity
    meaning: str


RULES: dict[str, Rule] = {
    "file-too-large": Rule("error", "The file is larger than 10 MiB (.tagline.yaml: 1 MiB) and was not read."),
    "file-encoding": Rule("error", "The file is not UTF-8."),
    "file-empty": Rule("error", "The file holds nothing, or only comments."),
    "file-not-regular": Rule("error", "The file is a symbolic link, a submodule or deleted."),
    "yaml-syntax": Rule("error", "The file is not valid YAML."),
    "yaml-tab": Rule("error", "A tab indents a line."),
    "yaml-character": Rule("error", "A character is not allowed in YAML, or breaks lines for some readers only."),
    "yaml-duplicate-key": Rule("error", "A mapping has the same key twice."),
    "yaml-key-type": Rule("error", "A key is not text, or longer than 1,024 characters."),
    "yaml-alias": Rule("error", "An alias has no anchor, or stands inside its own anchor."),
    "yaml-alias-bomb": Rule("error", "Aliases expand to more than 250,000 values."),
    "yaml-depth": Rule("error", "Collections are nested more than 100 levels deep."),
    "yaml-tag": Rule("error", "A tag is not supported, or its value does not fit."),
    "yaml-merge": Rule("error", "A merge key (<<) has no mapping to merge, or is given twice."),
    "yaml-documents": Rule("error", "The file holds more than one YAML document."),
    "yaml-portability": Rule("warning", "GTO and DVC read this place in another way, or not at all."),
    "not-a-mapping": Rule("error", "The file, or the artifacts section, is no mapping."),
    "artifacts-wrapper": Rule("error", "In artifacts.yaml the names stand at the top level."),
    "unknown-key": Rule("error", "The schema has no such key."),
    "missing-key": Rule("error", "A required key is missing."),
    "wrong-type": Rule("error", "A value is of the wrong kind."),
    "wrong-value": Rule("error", "A value is empty."),
    "dvc-interpolation": Rule("error", "A ${...} in dvc.yaml cannot be resolved."),
    "artifact-name": Rule("error", "The artifact's name cannot be part of a tag."),
    "directory-name": Rule("error", "The manifest's directory cannot be part of a tag."),
    "unknown-type": Rule("error", "The type is not listed in .gto."),
    "gto-config": Rule("error", "The file .gto is malformed, or has a key that GTO refuses."),
    "policy": Rule("error", "A value in .tagline.yaml means nothing, or contradicts another."),
    "request": Rule("error", "A request file asks for something that cannot be meant."),
    "name-in-both-files": Rule("error", "A name is in artifacts.yaml and in dvc.yaml of one directory."),
    "names-alike": Rule("warning", "Two artifacts differ in case or Unicode form only."),
    "same-path": Rule("error", "Two artifacts have the same path."),
    "path-absolute": Rule("error", "A path is absolute."),
    "path-outside": Rule("error", "A path leaves the repository."),
    "path-backslash": Rule("error", "A path is written with backslashes."),
    "path-uri": Rule("error", "A path is a URI, but the artifact is not virtual."),
    "path-missing": Rule("error", "A path is tracked neither by Git nor by DVC."),
    "path-untracked": Rule("error", "A path exists in the work tree, but is tracked neither by Git nor by DVC."),
    "path-submodule": Rule("error", "A path lies in a submodule."),
    "path-pointer": Rule("error", "A path names a pointer of DVC instead of what it tracks."),
    "path-mixed": Rule("error", "A path is a folder of which DVC tracks only parts."),
    "path-not-regular": Rule("warning", "A path is a symbolic link, a submodule, or deleted in the work tree."),
    "card": Rule("error", "A model card is not in Git, or its front matter means nothing."),
    "storage-missing": Rule("error", "An object that a pointer names is not in its store."),
    "storage-wrong": Rule("error", "An object has another size or digest than its pointer says."),
    "storage-pointer": Rule("error", "A pointer does not say which bytes an artifact is."),
    "storage-unreadable": Rule("error", "A store could not be asked."),
    "mlflow-run-missing": Rule("error", "An MLflow run, or a version of a model, does not exist or is deleted."),
    "mlflow-metrics-differ": Rule("error", "An MLflow run tells other figures than the manifest."),
    "mlflow-unknown": Rule("warning", "MLflow could not be asked, or does not say clearly."),
    "no-manifest": Rule("error", "There are registry tags but no manifests."),
}
