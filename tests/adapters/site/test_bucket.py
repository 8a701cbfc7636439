"""A site in a bucket: what is uploaded and what stays, what is in the way, two runs at once."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tagline.adapters.site.bucket import BucketFolder
from tagline.adapters.site.state import STATE
from tagline.cli.main import main
from tagline.commands.site.build import build
from tagline.domain.site.results import Built
from tagline.errors import Conflict, WrongUsage
from tagline.ports.site import Made
from tagline.render.site.pages import SitePages
from tests.commands.site.test_build import CHURN, Memory, state_of
from tests.support import indexes, sites
from tests.support.s3server import S3Server


def made(address: str, rows: sites.Rows) -> Built:
    with BucketFolder(address).locked() as place:
        return build(Memory(rows), SitePages(), place, "public", "")


def objects(s3: S3Server, bucket: str) -> dict[str, str]:
    """Every object's version, which each upload changes, by its key."""
    pages = s3.client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return {row["Key"]: row["VersionId"] for page in pages for row in page.get("Versions", ()) if row["IsLatest"]}


def owned_by(owner: str) -> sites.Rows:
    rows = sites.story()
    rows["artifacts"] = [(*row[:7], owner, *row[8:]) if row[2] == "images" else row for row in rows["artifacts"]]
    return rows


def test_bucket__site__is_that_of_a_folder_and_only_what_changed_is_uploaded(
    s3: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index").mkdir()
    rows, drawn = sites.story(), io.BytesIO()
    Image.new("RGB", (9, 9)).save(drawn, "webp")
    rows["images"].append((*rows["images"][0][:3], "a.webp", "webp", 9, 9, base64.b64encode(drawn.getvalue()).decode()))
    indexes.build(tmp_path / "index", rows)
    bucket = s3.bucket(versioned=True)
    line = ["site", "--index", str(tmp_path / "index"), "--json", "-o"]
    assert main([*line, str(tmp_path / "site")]) == 0
    in_folder = json.loads(capsys.readouterr().out)
    assert main([*line, f"s3://{bucket}/models"]) == 0
    assert json.loads(capsys.readouterr().out) == {**in_folder, "folder": f"s3://{bucket}/models"}
    there, files = objects(s3, bucket), state_of(tmp_path / "site")
    assert set(there) == {f"models/{name}" for name in files} | {f"models/{STATE}"}
    for name, kind in (("index.html", "text/html"), ("assets/base.js", "text/javascript"), (f"{CHURN}/data.js", None)):
        answer = s3.client.get_object(Bucket=bucket, Key=f"models/{name}")
        assert answer["Body"].read() == files[name][1]
        assert kind is None or answer["ContentType"] == f"{kind}; charset=utf-8"
    pictures = [name for name in there if name.endswith((".png", ".webp"))]
    kinds = {s3.client.head_object(Bucket=bucket, Key=name)["ContentType"] for name in pictures}
    assert kinds == {"image/png", "image/webp"}

    assert main([*line, f"S3://{bucket}/models/"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["kept"], again["written"], again["removed"]) == (5, 0, 0)
    assert objects(s3, bucket) == there

    s3.put(bucket, "models/CNAME", b"models.example")
    s3.client.delete_object(Bucket=bucket, Key=f"models/{CHURN}/index.html")
    built = made(f"s3://{bucket}/models", owned_by("new-owner"))
    after = objects(s3, bucket)
    assert built.kept == 3, "churn's page was gone, and images changed"
    changed = {name for name, found in after.items() if there.get(name) != found}
    assert built.written == len(changed - {f"models/{STATE}", "models/CNAME"})
    assert f"models/{CHURN}/index.html" in changed
    assert "models/artifacts/gitlab.example%2Fml%2Fvision/images/index.html" in changed
    assert "models/assets/base.js" not in changed

    rows = {name: [row for row in rows if row[0] != "gitlab.example/ml/vision"] for name, rows in sites.story().items()}
    assert made(f"s3://{bucket}/models", rows).removed >= 8
    assert not [name for name in objects(s3, bucket) if "vision" in name]
    assert "models/CNAME" in objects(s3, bucket)


def test_bucket__with_somebody_elses_pages_or_another_run__is_left_alone(s3: S3Server) -> None:
    bucket = s3.bucket(versioned=True)
    s3.put(bucket, "api/index.json", b"mine")
    with pytest.raises(WrongUsage, match="has api, which tagline site did not write"):
        made(f"s3://{bucket}", sites.story())
    assert set(objects(s3, bucket)) == {"api/index.json"}

    made(f"s3://{bucket}/page", sites.story())
    with BucketFolder(f"s3://{bucket}/page").locked() as late:
        late.before()
        late.put("index.html", b"late")
        made(f"s3://{bucket}/page", owned_by("meanwhile"))
        before = objects(s3, bucket)
        with pytest.raises(Conflict):
            late.finish(Made("late", {}, {"index.html": 4}), ("index.html",))
    assert objects(s3, bucket) == before


def test_bucket__while_another_run_uploads__is_refused_for_half_an_hour_and_then_taken_over(s3: S3Server) -> None:
    bucket, clock = s3.bucket(), [1000.0]
    address = f"s3://{bucket}/page"

    def run(text: bytes, while_it_uploads: Callable[[], object] = lambda: None) -> None:
        class Slow(BucketFolder):
            def _upload(self, file: str) -> None:
                super()._upload(file)
                if file == "a.html":
                    while_it_uploads()

        with Slow(address, lambda: clock[0]).locked() as place:
            place.before()
            for file in ("a.html", "index.html"):
                place.put(file, text)
            files = {file: len(text) for file in ("a.html", "index.html")}
            place.finish(Made(text.decode(), {}, files), ("index.html",))

    def page() -> bytes:
        return s3.client.get_object(Bucket=bucket, Key="page/index.html")["Body"].read()

    def second() -> None:
        clock[0] += 20 * 60
        with pytest.raises(Conflict) as caught:
            run(b"second")
        assert (caught.value.exit_code, "10 minutes" in caught.value.hint) == (5, True)

    run(b"first", second)
    assert page() == b"first"

    def fails() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        run(b"other", fails)
    run(b"after", lambda: None)  # what failed says so itself
    assert page() == b"after"

    def third() -> None:
        clock[0] += 31 * 60
        run(b"third")

    with pytest.raises(Conflict):
        run(b"stuck", third)
    assert page() == b"third", "who was overtaken uploads nothing more"


def test_place__that_is_neither_folder_nor_bucket__is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    indexes.build(tmp_path, sites.story())
    for place in ("gs://bucket/models", "s3:///models"):
        assert main(["site", "--index", str(tmp_path), "-o", place]) == 2
        assert "s3://BUCKET/PREFIX" in capsys.readouterr().err
    assert not (tmp_path / "gs:").exists()
