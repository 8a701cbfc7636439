"""DVC's configuration file, read as DVC itself reads it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from configobj import ConfigObjError
from dvc.config import Config, ConfigError
from hypothesis import example, given
from hypothesis import strategies as st

from tagline.errors import WrongUsage
from tagline.formats.dvc_config import MAX_BYTES, MAX_LINE, Sections, parse


def of_dvc(data: bytes, folder: Path) -> Sections | None:
    """What DVC reads of remotes; None where it fails, or where a value is a list, which it refuses later."""
    file = folder / "config"
    file.write_bytes(data)
    try:
        read: dict[str, Any] = Config.load_file(str(file))
    except (ConfigError, ConfigObjError):
        return None
    if not all(isinstance(read.get(name, {}), dict) for name in ("core", "remote")):
        return None  # its schema refuses that later
    found = {f"remote:{name}": options for name, options in read["remote"].items()}
    if "core" in read:
        found["core"] = {key: value for key, value in read["core"].items() if key == "remote"}
    plain = all(isinstance(value, str) for options in found.values() for value in options.values())
    return found if plain else None


def of_ours(data: bytes) -> Sections | None:
    refused: WrongUsage | None = None
    try:
        return parse(data, "CONFIG")
    except WrongUsage as error:
        refused = error
    assert refused.code == "dvc-config"
    assert refused.message.startswith("DVC's configuration CONFIG cannot be read: ")
    assert "\n" not in refused.message
    return None


def remote(text: str) -> bytes:
    return f"['remote \"a\"']\n{text}\n".encode()


SAME = [
    b"",
    b"\n\n# nothing\n",
    b"[core]\nremote = a\nautostage = true\n",
    b"[CORE]\nReMoTe = MixedCase\n",
    b"[core]\nremote =\n",
    b"['remote \"A b-C.\xc3\x84\"']\nURL = s3://B/X\n",
    b"[remote \"a\"]\nurl = s3://b/x\n",
    b"[ ' remote   \"a\"  ' ]\nurl = s3://b/x\n",
    b"['remote \"a\"x\"']\nurl = 1\n",
    b"['remote a']\nurl = 1\n",
    b"['remote \"\"']\nurl = 1\n",
    b"['remotes \"a\"']\nurl = 1\n",
    b"['remote \"a\"']\nurl = 1\n['remote \"b\"']\nurl = 2\n['REMOTE \"A\"']\nregion = x\n",
    b"['remote \"a\"']\r\nurl = /x\r\n",
    b"['remote \"a\"']\rurl = /x\r",
    b"[cache]\ntype = reflink,hardlink\ndir = ../x\n",
    b"[hydra]\nenabled = True\n[[sub]]\nx = 1\n",
    remote("url = /x # comment"),
    remote("url = /x#y;z"),
    remote("url = '/x#y'"),
    remote('url = "/x, y"'),
    remote("url = ''"),
    remote("url ="),
    remote("url"),
    remote("url = /x/100%y$a${b}"),
    remote("url = /x%%(a)"),
    remote("url = '''/x\ny'''"),
    remote("url = /x\nURL = /y"),
    remote("url = /x\nurl = /y"),
    remote("url = a=b=c"),
    remote("url = 'a"),
    remote("url = a'b"),
    remote("url = 'a' b"),
    remote("url = 'a'b'"),
    remote("\"url\" = /x"),
    remote("  url   =   /x y   "),
    remote("url = /ä/😀/\u00a0x"),
    remote("url = /x\u2028y"),
    remote("url = /a\\b\\n"),
    remote("url = /x ; no comment"),
    remote("url = s3://b/x\nregion = a,b"),
    remote("url = a,"),
    remote("url = ,"),
    b"\xef\xbb\xbf['remote \"a\"']\nurl = /x\n",
    b"['remote \"a\"']\nurl = /x\xff\n",
    b"['remote \"a\"'\nurl = /x\n",
    b"[[a]]\nx = 1\n",
    b"\0",
]  # fmt: skip


@pytest.mark.parametrize("data", SAME)
def test_parse__file__is_read_as_dvc_reads_it(data, tmp_path):
    assert of_ours(data) == of_dvc(data, tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        remote("url = /%(region)s\nregion = x"),  # a value that names another one
        remote("url = '''\"x\"'''"),  # quotes in quotes
        remote("url = '''a,b'''"),
        b"[remote]\n[[a]]\nurl = /x\n",
        remote("url = /x\n[[sub]]\ny = 1"),
        remote("url = /x" + "y" * MAX_LINE),
        b"#" * (MAX_BYTES + 1),
    ],
)
def test_parse__what_we_do_not_take_as_dvc_would__is_refused(data):
    assert of_ours(data) is None


def test_parse__size_and_line_at_the_limit__are_read():
    assert parse(b"#\n" * (MAX_BYTES // 2), "CONFIG") == {}
    url = "x" * (MAX_LINE - len("url = \n"))
    assert parse(remote(f"url = {url}"), "CONFIG") == {"remote:a": {"url": url}}


N = MAX_LINE - 10


@pytest.mark.parametrize(
    "line",
    ["a=" + "x ," * 400 + "'", "a=" + "x , " * 400 + "'", "a=" + "'x'," * 400 + "'", "a" + " " * N, "[ " + " " * N,
     "a= " + " " * N + "'", "[" + " " * N + "]x", "a=x" + " " * N + ",'", "a='''" + "''' " * 400, "[" * N + "]" * 5],
)  # fmt: skip
def test_parse__line_made_to_take_for_ever__does_not(line):
    """The parser's own reading of lists takes twice the time for each comma."""
    before = time.process_time()
    of_ours(line.encode())
    of_ours(f"['remote \"a\"']\n{line}\n".encode())
    assert time.process_time() - before < 5


def test_parse__sections_nested_without_end__do_not_break_it():
    data = b"".join(b"[" * n + b"a" + b"]" * n + b"\n" for n in range(1, 240))
    assert len(data) <= MAX_BYTES
    assert of_ours(data) == {}


_pieces = st.sampled_from(
    ["a", "B", "ä", " ", "'", '"', "#", ";", "=", ",", "%", "$", "{", "}", "\\", "[", "]", "\n", "'''", '"""', "remote",
     "url", "/x", "://", "['remote \"a\"']\n", "url = ", "[core]\n", "%(url)s", "\t", "\u2028", "\x0b", "\x85"]
)  # fmt: skip


@example("remote=")
@example("Core = a\n")
@given(st.lists(_pieces, max_size=14).map("".join))
def test_parse__any_text__is_read_as_dvc_reads_it_or_refused(tmp_path, text):
    ours, theirs = of_ours(text.encode()), of_dvc(text.encode(), tmp_path)
    # What is wrong with other sections is nothing to us.
    assert theirs is None or ours is None or ours == theirs


@given(st.lists(_pieces, max_size=8).map("".join).filter(lambda text: len(text.splitlines()) < 2))
def test_parse__any_value_of_a_remote__is_read_as_dvc_reads_it_or_refused(tmp_path, text):
    data = remote(f"url = {text}")
    ours = of_ours(data)
    assert ours is None or ours == of_dvc(data, tmp_path)


@given(st.binary(max_size=40))
def test_parse__any_bytes__are_read_as_dvc_reads_them_or_refused(tmp_path, data):
    ours = of_ours(data)
    assert ours is None or ours == of_dvc(data, tmp_path)


@given(
    st.dictionaries(
        st.sampled_from(["url", "region", "endpointurl", "User"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        min_size=1,
    ),
    st.text(st.characters(categories=["L", "N", "Zs", "P"], exclude_characters="\"'"), min_size=1, max_size=6),
)
def test_parse__what_dvcs_own_writer_wrote__is_read_as_dvc_reads_it_or_refused(tmp_path, options, name):
    from configobj import ConfigObj

    config = ConfigObj({f'remote "{name}"': options}, encoding="utf-8")
    file = tmp_path / "written"
    try:
        with file.open("wb") as stream:
            config.write(stream)
    except ConfigObjError:  # a value that it cannot quote
        return
    data = file.read_bytes()
    ours = of_ours(data)
    assert ours is None or ours == of_dvc(data, tmp_path)
    plain = not any(
        character in value
        for value in options.values()
        for character in "'\"%,\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    )
    assert ours is not None or not plain or of_dvc(data, tmp_path) is None


@pytest.mark.parametrize("text", ["remote=", "Core = a\n"])
def test_parse__a_value_where_a_section_is_expected__is_refused_as_by_dvc(tmp_path, text):
    assert of_ours(text.encode()) is None
    assert of_dvc(text.encode(), tmp_path) is None
