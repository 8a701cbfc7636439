"""The first hour of a new team: commands, files by hand and machine seconds, beside GTO + DVC + gto-action.

    python -m benchmarks.first_hour [HOUR ...] [--steps]

Both are played for real on a local forge and an S3 server: ours by docs/first-hour.md, the peer by its documentation
as of mid-2026, named at its constants. Seconds are the processor's; how long people think is nobody's measurement, and
a runner's start and the setting up of its programs, which both have, are in neither. ``--steps`` prints each step too.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from benchmarks.image import STEPS
from tagline_localforge import LocalForge, serve
from tests.first_hour import team
from tests.first_hour.story import KEYS, Counted, Hour, hour
from tests.support.s3server import S3Server, serving_s3

ANNOTATIONS = """\
artifacts:
  churn:
    path: models/churn.pkl
    type: model
  fraud:
    path: models/fraud.pkl
    type: model
"""
#: By https://github.com/iterative/gto-action and https://github.com/iterative/setup-dvc: what deploys.
DEPLOY = """\
name: Deploy
on:
  push:
    tags: ["*"]
permissions: {contents: read, id-token: write}
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v3
      - id: gto
        uses: iterative/gto-action@v2
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          aws-region: eu-central-1
          role-to-assume: arn:aws:iam::123456789012:role/models-read
      - uses: iterative/setup-dvc@v1
      - if: steps.gto.outputs.event == 'assignment' && steps.gto.outputs.stage == 'prod'
        run: |
          dvc pull "$MODEL"
          sha256sum "$MODEL"
        env:
          MODEL: ${{ steps.gto.outputs.path }}
"""
#: The other repository, by https://doc.dvc.org/command-reference/artifacts/get.
REUSE = """\
name: Score
on:
  schedule:
    - cron: "5 6 * * *"
permissions: {id-token: write}
jobs:
  score:
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          aws-region: eu-central-1
          role-to-assume: arn:aws:iam::123456789012:role/models-read
      - uses: iterative/setup-dvc@v1
      - run: |
          git config --global url."https://x:$TOKEN@github.com/".insteadOf https://github.com/
          dvc artifacts get https://github.com/org/shop churn --stage prod -o churn.pkl
          sha256sum churn.pkl
        env:
          TOKEN: ${{ secrets.SHOP_TOKEN }}
"""
#: After the two models of the page, by https://mlem.ai/doc/gto/user-guide and https://doc.dvc.org/use-cases/model-registry.
PEER_SET_UP = ("git add --all", 'git commit --message "Annotations and a deployment"', "git push")
PEER_PROMOTION = (
    "git switch main",
    "git pull",
    "gto register churn --version v0.1.0 --push",
    "gto assign churn --version v0.1.0 --stage staging --push",
    "gto assign churn --version v0.1.0 --stage prod --push",
    "gto show",
)
PEER_REUSE = "dvc artifacts get https://github.com/org/shop churn --stage prod -o churn.pkl"


def play_peer(one: Hour) -> None:
    """The same hour by the peer's commands. What its jobs run is run as such."""
    one.section("Two models in S3")
    one.write(one.cwd / "dvc.yaml", ANNOTATIONS)
    one.write(one.cwd / ".github/workflows/deploy.yml", DEPLOY)
    for line in PEER_SET_UP:
        one.type(line)
    one.section("The first promotion")
    made = one.page("open a change from more-trees", lambda: one.shop.open_change(
        author="alice", source="more-trees", target="main", title="More trees"))  # fmt: skip
    one.page("merge it", lambda: one.shop.merge(made.number, by="alice", method="merge"))
    for line in PEER_PROMOTION:
        one.type(line)
    tag = "churn#prod#2"
    assert tag in team.tags(one)
    one.job("deploy", lambda: _deploy(one, tag))
    one.section("Another repository")
    one.write(one.cwd / ".github/workflows/score.yml", REUSE)
    one.page("a token that reads org/shop, as the secret SHOP_TOKEN", lambda: None)
    one.job("score", lambda: _script(one, one.folder, PEER_REUSE.replace("https://github.com", one.server.url)))
    one.type(PEER_REUSE)
    assert (one.cwd / "churn.pkl").read_text() == team.TRAINED


def _deploy(one: Hour, tag: str) -> None:
    place = one.folder / "deploy"
    _script(one, one.folder, f"git clone -q {one.shop.path} deploy && git -C deploy checkout -q '{tag}'")
    _script(one, place, f"REF='refs/tags/{tag}'\n{STEPS}")
    _script(one, place, "dvc pull models/churn.pkl && sha256sum models/churn.pkl")


def _script(one: Hour, place: Path, text: str) -> None:
    environ = one.plain() | KEYS | {"GIT_CONFIG_GLOBAL": one.at_home()["GIT_CONFIG_GLOBAL"]}
    subprocess.run(["bash", "-ec", text], cwd=place, env=environ, check=True, capture_output=True)


def played(name: str, s3: S3Server) -> Hour:
    """One hour, on a forge of its own."""
    with tempfile.TemporaryDirectory() as folder, serve(LocalForge(Path(folder) / "forge")) as server:
        platform = "gitlab" if name == "gitlab" else "github"
        with hour(platform, server, Path(folder), s3) as one:
            play_peer(one) if name == "peer" else team.play(one)
        return one


def row(name: str, of: Counted) -> str:
    return f"{name:34}{of.commands:>10}{of.files:>7}{of.lines:>7}{of.pages:>7}{of.typed:>10.1f}{of.jobs:>8.1f}"


TITLES = {"github": "Tagline on GitHub", "gitlab": "Tagline on GitLab", "peer": "GTO + DVC + gto-action"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hours", nargs="*", metavar="HOUR", help=f"some of {', '.join(TITLES)}; all without any")
    parser.add_argument("--steps", action="store_true")
    chosen = parser.parse_args()
    print(f"{'':34}{'commands':>10}{'files':>7}{'lines':>7}{'pages':>7}{'typed, s':>10}{'jobs, s':>8}")
    with serving_s3() as s3:
        for name in chosen.hours or TITLES:
            one = played(name, s3)
            if chosen.steps:
                print("\n".join(f"  {done.kind:8}{done.seconds:7.2f}  {done.what}" for done in one.done))
            print(row(TITLES[name], one.counted()), flush=True)


if __name__ == "__main__":
    main()
