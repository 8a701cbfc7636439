"""Rows to make sites of: a small registry that tells a story, one of any size, one that is hostile everywhere."""

from __future__ import annotations

import base64
import math
import random
import struct
import zlib
from typing import Any

Rows = dict[str, list[tuple[Any, ...]]]
#: 2026-03-01T00:00:00Z.
DAY = 86_400
NOW = 1_772_323_200
TABLES = (
    "repositories",
    "artifacts",
    "versions",
    "stages",
    "holds",
    "events",
    "metrics",
    "params",
    "inputs",
    "deployments",
    "cards",
    "images",
    "pins",
)


def empty() -> Rows:
    """No rows in every table."""
    return {name: [] for name in TABLES}


def repository(
    rows: Rows, name: str = "github.com/acme/risk", forge: str = "github", visibility: str = "public"
) -> str:
    """A repository; its name."""
    rows["repositories"].append((name, f"https://{name}", forge, visibility, "f", NOW, "ok", None, "main"))
    return name


class Story:
    """One artifact of a repository, told event by event."""

    def __init__(self, rows: Rows, where: str, name: str, **said: Any) -> None:
        self.rows, self.where, self.name, self.said = rows, where, name, said
        self.visibility = next(row[3] for row in rows["repositories"] if row[0] == where)
        self.holders: dict[str, tuple[str, int, bool, str | None, list[str] | None]] = {}
        self.latest: str | None = None
        self.number = 0

    def _add(self, table: str, *cells: Any) -> None:
        self.rows[table].append((self.where, self.visibility, self.name, *cells))

    def _change(self, number: int | None) -> str | None:
        return f"https://{self.where}/pull/{number}" if number else None

    def registers(
        self,
        version: str,
        time: int,
        change: int | None = None,
        approved: list[str] | None = None,
        by: str = "Ann Lee",
        metrics: dict[str, float] | None = None,
        params: dict[str, str] | None = None,
        active: bool = True,
    ) -> Story:
        """A version, with what is behind it."""
        digest = f"md5:{abs(hash_of(self.name + version)):032x}"
        link = self._change(change)
        commit = f"{abs(hash_of(version + self.name)):040x}"
        self._add(
            "versions",
            version,
            commit,
            f"{self.name}@{version}",
            time,
            active,
            digest,
            "ab" * 32,
            48_000_000 + time % 999,
            f"s3://acme/{digest[4:]}",
            link,
            approved,
        )
        self._add("events", "registration", version, None, commit, f"{self.name}@{version}", time, by, link, None, None)
        for name, value in (metrics or {}).items():
            self._add("metrics", version, name, value, "metrics.json")
        for name, value in (params or {}).items():
            self._add("params", version, name, value, "params.yaml")
        self.latest = version if active else self.latest
        return self

    def makes(self, version: str, *files: tuple[str, str | None, str, str | None]) -> Story:
        """Inputs: (kind, step, path, origin)."""
        for kind, step, path, origin in files:
            self._add("inputs", version, kind, step, path, f"md5:{abs(hash_of(path + version)):032x}", 1200, origin)
        return self

    def assigns(
        self,
        stage: str,
        version: str | None,
        time: int,
        change: int | None = None,
        approved: list[str] | None = None,
        by: str = "Bo Chen",
        held: bool = False,
    ) -> Story:
        """A stage is given to a version."""
        self._close(stage, time)
        self.number += 1
        self.holders[stage] = (version or "", time, held, self._change(change), approved)
        self._add(
            "events",
            "assignment",
            version,
            stage,
            f"{self.number:040x}",
            f"{self.name}#{stage}#{self.number}",
            time,
            by,
            self._change(change),
            "Q1 review",
            ["RISK-12"],
        )
        return self

    def _close(self, stage: str, until: int | None) -> None:
        if stage in self.holders:
            version, since, held, change, approved = self.holders.pop(stage)
            self._add("holds", stage, version or None, since, until, change, approved)
            if until is None:
                self._add(
                    "stages",
                    stage,
                    version or None,
                    f"{self.number:040x}",
                    f"{self.name}#{stage}#{self.number}",
                    since,
                    held,
                )

    def reports(self, stage: str, version: str, state: str, time: int) -> Story:
        """A deployment reported."""
        self._add(
            "deployments", stage, version, f"{self.name}#{stage}#1", state, f"https://{self.where}/actions/runs/9", time
        )
        return self

    def ends(self, deprecated: bool = False) -> None:
        """Now: what holds a stage holds it, and the artifact's own row."""
        for stage in sorted(self.holders):
            self._close(stage, None)
        said = self.said
        self._add_artifact(said, deprecated)

    def _add_artifact(self, said: dict[str, Any], deprecated: bool) -> None:
        self._add(
            "artifacts",
            said.get("type", "model"),
            said.get("path", f"models/{self.name}.pkl"),
            said.get("description"),
            said.get("labels", []),
            said.get("owner"),
            said.get("card"),
            self.latest,
            deprecated,
        )


def hash_of(text: str) -> int:
    """A number that looks random and is not."""
    return random.Random(text).getrandbits(128)


PIPELINE = (
    ("data", "featurize", "data/raw.csv", "https://github.com/acme/lake"),
    ("dep", "featurize", "src/featurize.py", None),
    ("out", "featurize", "data/features.parquet", None),
    ("dep", "train", "data/features.parquet", None),
    ("dep", "train", "src/train.py", None),
)


CARD = """# Churn

Trained **each week** on contracts. [The paper](https://example.org/churn.pdf), and
[a form](https://github.com/acme/risk/new/main?filename=promotions/prod/x.yaml).

![Calibration on contracts of 2025](docs/calibration.png)

![a curve](https://elsewhere.example/curve.png) <script>window.harmed = 1</script> [x](javascript:window.harmed=1)

| Group | accuracy |
| --- | --- |
| new | 0.91 |
"""


def picture(width: int = 480, height: int = 180) -> bytes:
    """A small PNG: a rising curve."""
    rows = []
    for y in range(height):
        curve = [int(height * (0.9 - 0.75 * (x / width) ** 2)) for x in range(width)]
        rows.append(b"\0" + bytes(60 if abs(at - y) < 3 else 215 if y % 36 == 0 else 250 for at in curve))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b"")


def story() -> Rows:
    """Two repositories of one company: a model on its way to production, one that was rolled back, a data set."""
    rows = empty()
    risk = repository(rows)
    one = Story(
        rows,
        risk,
        "churn",
        description="Predicts who leaves within 30 days.",
        labels=["tabular", "weekly"],
        owner="risk-team",
        card="MODEL_CARD.md",
    )
    for number, accuracy in enumerate((0.86, 0.88, 0.91, 0.905, 0.93)):
        version, time = f"v1.{number}.0", NOW - (60 - 12 * number) * DAY
        one.registers(
            version,
            time,
            10 + number,
            ["dana", "eli"],
            metrics={"accuracy": accuracy, "auc": accuracy + 0.03, "loss": 1 - accuracy},
            params={"train.lr": str(0.1 / (number + 1)), "train.depth": "6", "seed": "7"},
        ).makes(version, *PIPELINE, ("out", "train", "models/churn.pkl", None))
        one.assigns("staging", version, time + 3600, 10 + number, ["dana"])
        if number in (1, 2, 3):
            one.assigns("prod", version, time + 4 * DAY, 20 + number, ["dana", "eli"])
    one.reports("prod", "v1.3.0", "success", NOW - 20 * DAY).reports(
        "staging", "v1.3.0", "failure", NOW - 9 * DAY
    ).ends()
    Story(rows, risk, "models/fraud:scorer", description="Scores card payments.", labels=["tabular"]).registers(
        "v0.1.0", NOW - 40 * DAY, 4, metrics={"accuracy": 0.7}
    ).registers("v0.2.0", NOW - 8 * DAY, 6, metrics={"accuracy": 0.62}).assigns(
        "prod", "v0.1.0", NOW - 30 * DAY, 5
    ).assigns("prod", "v0.2.0", NOW - 7 * DAY, 7).assigns("prod", "v0.1.0", NOW - 6 * DAY, 8, ["fay"], held=True).ends()
    Story(rows, risk, "old-model", description="Nobody uses it.").registers("v1.0.0", NOW - 300 * DAY).ends(
        deprecated=True
    )
    rows["cards"].append(
        (
            risk,
            "public",
            "churn",
            "MODEL_CARD.md",
            CARD,
            "risk-team",
            "apache-2.0",
            "Ranks customers for a call.",
            "high",
            "Contracts of 2020 to 2025",
        )
    )
    shown = base64.b64encode(picture()).decode()
    rows["images"].append((risk, "public", "churn", "docs/calibration.png", "png", 480, 180, shown))
    vision = repository(rows, "gitlab.example/ml/vision", "gitlab")
    used = ("v1.3.0", "c" * 40, "md5:" + "a" * 32)
    rows["pins"].append((vision, "public", "churn", risk, "churn", "churn#prod", *used))
    rows["pins"].append((vision, "public", "elsewhere", "github.com/acme/gone", "x", "elsewhere#prod", *used))
    Story(
        rows, vision, "images", type="dataset", path="data/images", description="Photographs of parts.", owner="vision"
    ).registers("v2.0.0", NOW - 3 * DAY, None, by="Cy").ends()
    Story(rows, vision, "detector", description="Finds scratches.", labels=["vision"], owner="vision").registers(
        "v1.0.0", NOW - 2 * DAY, None, metrics={"map": 0.5, "nan": math.nan}
    ).registers("v1.1.0", NOW - DAY, None, active=False).assigns("dev", "v1.0.0", NOW - DAY).ends()
    rows["repositories"].append(
        (
            "github.com/acme/broken",
            "https://github.com/acme/broken",
            "github",
            "public",
            None,
            None,
            "forbidden",
            "The token may not read it.",
            None,
        )
    )
    return rows


def many(artifacts: int, versions: int, seed: int = 1) -> Rows:
    """So many artifacts with so many versions each, in repositories of ten."""
    rows, dice = empty(), random.Random(seed)
    words = ["churn", "fraud", "risk", "price", "demand", "image", "text", "speech", "route", "stock", "claim", "bid"]
    for number in range(artifacts):
        where = f"github.com/acme/team-{number // 10:03d}"
        if number % 10 == 0:
            repository(rows, where)
        one = Story(
            rows,
            where,
            f"{dice.choice(words)}-{dice.choice(words)}-{number}",
            labels=[dice.choice(words)],
            owner=f"team-{number % 37}",
            description=f"{dice.choice(words)} of {dice.choice(words)}, weekly",
            type="model" if number % 5 else "dataset",
        )
        begin = NOW - dice.randrange(100, 900) * DAY
        for step in range(versions):
            version, time = f"v1.{step}.0", begin + step * 7 * DAY
            score = round(0.7 + 0.02 * step + dice.random() / 50, 4)
            one.registers(
                version,
                time,
                step + 1,
                ["dana"],
                by=f"Person {dice.randrange(60)}",
                metrics={"accuracy": score, "auc": score + 0.02, "loss": round(1 - score, 4)},
                params={"train.lr": str(round(dice.random(), 4)), "train.depth": str(dice.randrange(3, 12))},
            ).makes(version, *PIPELINE)
            one.assigns("staging", version, time + 3600, step + 1, ["dana"])
            if step % 2:
                one.assigns("prod", version, time + 2 * DAY, step + 1, ["dana", "eli"])
        one.ends()
    return rows


#: What is tried in every field.
HOSTILE = (
    "\"><script>window.harmed=1</script><img src=x onerror='window.harmed=1'>'`${window.harmed=1}`{{7*7}}{% raw %}"
    "</script><style>*{display:none}</style>\u2028\u202ejavascript:window.harmed=1//-->]]>\\"
)


def hostile() -> Rows:
    """Every text is an attack; what must be a name of Git is one."""
    rows = empty()
    bad = HOSTILE
    long = "x" * 3000
    where = f"github.com/acme/{bad}"
    rows["repositories"].append((where, "javascript:window.harmed=1", "github", "public", bad, NOW, bad, bad, bad))
    one = (where, "public", bad)
    rows["artifacts"].append((*one, bad, bad, f"{bad} {long}", [bad, long], bad, bad, "v1.0.0", False))
    for version in ("v1.0.0", "v0.9.0"):
        rows["versions"].append(
            (*one, version, bad, bad, NOW, True, bad, bad, 5, bad, "javascript:window.harmed=1", [bad])
        )
        rows["metrics"] += [(*one, version, bad, 0.5, bad), (*one, version, "__proto__", float("inf"), bad)]
        rows["params"] += [(*one, version, bad, bad, bad), (*one, version, "constructor", long, bad)]
        rows["inputs"] += [
            (*one, version, "data", bad, bad, bad, 4, bad),
            (*one, version, "out", bad, f"{bad}2", bad, 4, "javascript:x"),
        ]
    rows["stages"].append((*one, bad, "v1.0.0", bad, bad, NOW, True))
    rows["holds"] += [
        (*one, bad, "v1.0.0", NOW, None, "javascript:window.harmed=1", [bad]),
        (*one, bad, bad, NOW - 9, NOW, bad, [bad]),
    ]
    rows["events"].append((*one, bad, "v1.0.0", bad, bad, bad, NOW, bad, "javascript:window.harmed=1", bad, [bad]))
    rows["cards"].append(
        (
            *one,
            bad,
            f"{bad}\n\n# {bad}\n\n[{bad}]({bad})\n\n<img src=x onerror=window.harmed=1>\n\n![a](x.png) ![b](y.png)",
            bad,
            bad,
            bad,
            bad,
            bad,
        )
    )
    drawing = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.harmed=1'/>").decode()
    for path, data in (("x.png", drawing), ("y.png", bad), (bad, base64.b64encode(picture()).decode())):
        rows["images"].append((*one, path, bad, 9, 9, data))
    rows["deployments"].append((*one, bad, bad, bad, bad, "javascript:window.harmed=1", NOW))
    rows["pins"] += [(*one, one[0], bad, bad, version, bad, bad) for version in ("v1.0.0", bad, None)]
    return rows
