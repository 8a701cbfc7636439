"""What a person sees of our Markdown: drawn by a real browser and real Mermaid, with no network.

Many texts are looked at in one run of the browser, so that a hundred hostile labels cost seconds. ``.ci/runners``
installs Debian's chromium and Mermaid: the oldest version we write for, and a pinned new one.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from markdown_it import MarkdownIt

from tests.e2e.machine import CACHE

Version = Literal["11", "10"]
#: As .ci/runners has them.
MERMAID: dict[Version, str] = {"11": "11.17.2", "10": "10.6.0"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
#: Seconds that one run may take.
_LONGEST = 240
#: What the forges let through of HTML, as far as we could want it. Attributes are not among it, but for "open".
_ALLOWED = re.compile(
    r"</?(?:details(?: open)?|summary|sub|sup|br|kbd|b|i|strong|em|ins|del|p|h[1-6]|ul|ol|li) ?/?>", re.IGNORECASE
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Diagram(NamedTuple):
    """One Mermaid block: drawn, or what Mermaid said instead."""

    drawn: bool
    error: str
    #: The visible text of each node by our id ("n0"); rows are lines.
    nodes: dict[str, str]
    #: How many arrows were drawn, and the texts of a chart (its title, its axes).
    edges: int
    texts: tuple[str, ...]
    #: Where its links lead. There should be none.
    links: tuple[str, ...]
    #: Names of the elements in it that no drawing needs (script, img, a, iframe, ...).
    foreign: tuple[str, ...]
    width: int
    height: int


class Page(NamedTuple):
    """One text as a person sees it, with all its details open."""

    text: str
    #: The same without code and tables.
    prose: str
    #: HTML in it that no forge would let through, as it stands there for all to see.
    raw: tuple[str, ...]
    diagrams: tuple[Diagram, ...]
    #: The visible text of all cells: tables, rows, cells.
    tables: tuple[tuple[tuple[str, ...], ...], ...]
    height: int


class Seen(NamedTuple):
    """What one run of the browser saw: the pages, and what they tried (scripts, dialogs, requests) all together."""

    pages: tuple[Page, ...]
    attempts: tuple[str, ...]
    width: int
    height: int

    @property
    def diagrams(self) -> list[Diagram]:
        """All diagrams, in their order."""
        return [diagram for page in self.pages for diagram in page.diagrams]


def need_browser() -> None:
    """Skip where there is no browser or no Mermaid: in CI, a failure."""
    missing = [str(script(version)) for version in MERMAID if not script(version).exists()]
    if CHROMIUM is None or missing:
        pytest.skip("no chromium or no Mermaid here: run .ci/runners as root")


def script(version: Version) -> Path:
    """Where .ci/runners put Mermaid."""
    return CACHE / "mermaid" / f"{MERMAID[version]}.min.js"


def look(
    texts: Sequence[str],
    *,
    mermaid: Version = "11",
    html_labels: bool = True,
    theme: str = "default",
    picture: Path | None = None,
    width: int = 900,
) -> Seen:
    """Show Markdown texts one below the other; the theme "dark" is on a dark page. A picture is a PNG of it all."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(_document(texts, mermaid, html_labels, theme), encoding="utf-8", errors="surrogatepass")
        seen = _seen(chromium(Path(folder), page, width, 800, "--dump-dom"))
        if picture is not None:
            chromium(Path(folder), page, width, seen.height + 20, f"--screenshot={picture}")
    return seen


def markdown_html(markdown: str) -> str:
    """The text as a forge would have it, with its Mermaid blocks still to draw."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.add_render_rule("html_block", _some_html)
    parser.add_render_rule("html_inline", _some_html)
    parser.add_render_rule("fence", _fence)
    return str(parser.render(markdown))


def ragged_rows(markdown: str) -> list[str]:
    """The rows of its tables that have other cells than their head: a forge would drop or invent some."""
    lines, found = markdown.split("\n"), []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "table_open" and token.map:
            head, *rows = lines[token.map[0] : token.map[1]]
            found += [row for row in rows if row.strip() and _bars(row) != _bars(head)]
    return found


def _bars(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))


def _some_html(_: object, tokens: Any, index: int, *__: object) -> str:
    """HTML that is allowed as it is, comments as nothing, everything else as text that one sees."""
    rest, shown, end = _COMMENT.sub("", tokens[index].content), [], 0
    for tag in _ALLOWED.finditer(rest):
        shown += [_raw(rest[end : tag.start()]), tag[0]]
        end = tag.end()
    return "".join([*shown, _raw(rest[end:])])


def _raw(text: str) -> str:
    # Between tags of a block there are words, too.
    return re.sub(r"[^<\s][^<]*|<[^>]*>?", lambda part: _shown_raw(part[0]), text)


def _shown_raw(part: str) -> str:
    return f'<span class="raw">{html.escape(part)}</span>' if part.startswith("<") else html.escape(part)


def _fence(_: object, tokens: Any, index: int, *__: object) -> str:
    kind = "mermaid" if tokens[index].info.strip() == "mermaid" else "code"
    return f'<pre class="{kind}">{html.escape(tokens[index].content)}</pre>\n'


def _document(texts: Sequence[str], version: Version, html_labels: bool, theme: str) -> str:
    settings = {
        "startOnLoad": False,
        "securityLevel": "strict",
        "theme": theme,
        "htmlLabels": html_labels,
        "flowchart": {"htmlLabels": html_labels, "useMaxWidth": True},
    }
    # Both policies would let nothing happen; what was tried is reported to the page itself.
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-ours'"
    sections = "\n".join(f"<section>{markdown_html(text)}</section>" for text in texts)
    return f"""<!doctype html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{_STYLE}</style></head>
<body class="{"dark" if theme == "dark" else "light"}">
<script nonce="ours">{_WATCH}</script>
<script nonce="ours" src="{script(version).as_uri()}"></script>
{sections}
<script nonce="ours">const settings = {json.dumps(settings)};{_DRAW}</script>
</body></html>"""


def chromium(folder: Path, page: Path, width: int, height: int, *wanted: str) -> str:
    """What one run of the browser on a page prints."""
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--force-color-profile=srgb", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}",
            # The page's own clock runs ahead while it waits for nothing, so this is no time that we wait.
            "--virtual-time-budget=3600000", *wanted, page.as_uri(),
        ],
        capture_output=True, text=True, errors="replace", timeout=_LONGEST, check=False,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(f"chromium exited with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _seen(dom: str) -> Seen:
    found = re.search(r'<script type="application/json" id="seen">(.*?)</script>', dom, re.DOTALL)
    if found is None:
        raise AssertionError(f"the page did not finish:\n{dom[-2000:]}")
    data = json.loads(found[1])
    pages = tuple(
        Page(
            page["text"],
            page["prose"],
            tuple(page["raw"]),
            tuple(
                Diagram(**{key: tuple(value) if isinstance(value, list) else value for key, value in diagram.items()})
                for diagram in page["diagrams"]
            ),
            tuple(tuple(tuple(row) for row in table) for table in page["tables"]),
            page["height"],
        )
        for page in data["pages"]
    )
    return Seen(pages, tuple(data["attempts"]), data["width"], data["height"])


_STYLE = """
body { font: 14px/1.5 sans-serif; margin: 12px; }
body.light { background: #fff; color: #1f2328; } body.dark { background: #0d1117; color: #e6edf3; }
table { border-collapse: collapse; } td, th { border: 1px solid #8c959f66; padding: 4px 10px; }
pre.code, code { background: #8c959f33; } section { border-bottom: 1px dotted #8c959f66; margin-bottom: 8px; }
"""

# What a text may try: policies report what they stopped, dialogs and requests report themselves.
_WATCH = """
const attempts = [];
document.addEventListener('securitypolicyviolation',
  (event) => attempts.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
for (const name of ['alert', 'confirm', 'prompt', 'open', 'fetch', 'print'])
  window[name] = (...given) => { attempts.push(`${name} ${given}`); };
"""

_DRAW = r"""
mermaid.initialize(settings);
const rows = (label) => {
  const lines = label.querySelectorAll('tspan.row, tspan.text-outer-tspan');
  if (lines.length) return [...lines].map((line) => line.textContent).join('\n');
  return (label.querySelector('.nodeLabel') || label).innerText ?? label.textContent;
};
const read = (box) => {
  const nodes = {}, svg = box.querySelector('svg');
  for (const node of svg.querySelectorAll('g.node')) {
    const id = /flowchart-(\w+)-\d+$/.exec(node.id);
    nodes[id ? id[1] : node.id] = rows(node.querySelector('.label') || node);
  }
  const {width, height} = svg.getBoundingClientRect();
  const known = new Set(('svg g style path rect polygon circle ellipse line text tspan marker foreignObject div span'
    + ' p br defs title desc linearGradient stop filter feDropShadow').split(' '));
  const all = [...svg.querySelectorAll('*')];
  return {
    nodes, edges: svg.querySelectorAll('.edgePaths path, g.edgePath > path').length,
    texts: [...svg.querySelectorAll('text')].map((text) => text.textContent),
    links: all.flatMap((each) => ['href', 'xlink:href', 'src', 'action'].map((name) => each.getAttribute(name)))
      .filter((link) => link !== null && !link.startsWith('#')),
    foreign: [...new Set(all.map((each) => each.localName).filter((name) => !known.has(name)))],
    width: Math.round(width), height: Math.round(height),
  };
};
const draw = async (block, number) => {
  const box = document.createElement('div'), text = block.textContent;
  block.replaceWith(box);
  try {
    const drawn = await mermaid.render(`drawing${number}`, text);
    box.innerHTML = drawn.svg;
    return {drawn: true, error: '', ...read(box)};
  } catch (error) {
    box.textContent = `Mermaid: ${error}`;
    return {drawn: false, error: String(error), nodes: {}, edges: 0, texts: [], links: [], foreign: [], width: 0,
      height: 0};
  }
};
(async () => {
  const pages = [];
  let number = 0;
  for (const section of document.querySelectorAll('section')) {
    for (const details of section.querySelectorAll('details')) details.open = true;
    const diagrams = [];
    for (const block of section.querySelectorAll('pre.mermaid')) diagrams.push(await draw(block, number++));
    const copy = section.cloneNode(true);
    for (const svg of copy.querySelectorAll('svg')) svg.remove();
    section.after(copy);
    const text = copy.innerText;
    const raw = [...copy.querySelectorAll('.raw')].map((tag) => tag.textContent);
    for (const code of copy.querySelectorAll('code, pre, table')) code.remove();
    const prose = copy.innerText;
    copy.remove();
    const tables = [...section.querySelectorAll('table')].map((table) =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText)));
    pages.push({text, prose, raw, diagrams, tables, height: Math.round(section.getBoundingClientRect().height)});
  }
  // A blocked image tells a moment later.
  await new Promise((go) => setTimeout(go, 500));
  for (const entry of performance.getEntriesByType('resource'))
    if (!/^file:.*\/mermaid\//.test(entry.name)) attempts.push(`request ${entry.name}`);
  const {scrollWidth: width, scrollHeight: height} = document.documentElement;
  const out = document.createElement('script');
  out.type = 'application/json';
  out.id = 'seen';
  out.textContent = JSON.stringify({pages, attempts, width, height}).replaceAll('<', '\\u003c');
  document.body.append(out);
})();
"""
