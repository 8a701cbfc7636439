"""Events -> tree: one loop without recursion, with limits, that keeps every position."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tagline.domain.manifest.document import Node, Path, Position, Problem
from tagline.domain.manifest.findings import Severity
from tagline.formats.yaml import scalars

MAX_DEPTH = 100
MAX_REPEATED = 250_000  # nodes that aliases may add
TEXT_PER_NODE = 64  # longer text counts as several nodes, or aliases could repeat megabytes
MAX_KEY = 1024  # YAML's own limit for keys written without "?"


class Abort(Exception):
    """Reading stops here: the rest of the text would only give misleading problems."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Frame:
    """A collection that is still open, and in a mapping the key that waits for its value."""

    __slots__ = ("anchor", "key", "key_place", "merges", "node", "repeated_key")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: str | None = None
        self.key_place = Position(0, 0)
        self.repeated_key = False
        self.merges: list[Node] = []


class _MergeKey(str):
    """The unquoted key ``<<``."""

    __slots__ = ()


class Composer:
    """Builds the tree of one document. ``problems`` collects what does not stop the reading."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node | None] = {}
        self._repeated = 0
        self._root: Node | None = None
        self._documents = 0
        # By the event's class name: importing PyYAML's classes here would cost every command.
        self._handlers: dict[str, Callable[[Any], None]] = {
            "ScalarEvent": self._scalar,
            "MappingStartEvent": self._open_mapping,
            "MappingEndEvent": self._close,
            "SequenceStartEvent": self._open_list,
            "SequenceEndEvent": self._close,
            "AliasEvent": self._alias,
            "DocumentStartEvent": self._document,
        }

    def compose(self, events: Iterable[Any]) -> Node | None:
        """The document's root, None for a text without content; raises Abort."""
        handlers = self._handlers
        for event in events:
            handler = handlers.get(type(event).__name__)
            if handler is not None:
                handler(event)
        return self._root if self._documents else None

    # -- events ---------------------------------------------------------------

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._abort(
                event,
                "yaml-documents",
                "A second document begins here.",
                "Keep one document and remove this '---'.",
            )
        if event.version is not None and tuple(event.version) != (1, 2):
            self._note(
                event, "yaml-portability",
                "This directive makes GTO and DVC read the file by the rules of YAML 1.1.",
                "Remove the %YAML line.", "warning",
            )  # fmt: skip

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        text: str = event.value
        if event.implicit[0]:
            value = scalars.resolve(text) if text else None
            if value is text and (text[0] in "-+.0123456789=") and (other := scalars.other_reading(text)):
                self._ambiguous(event, text, other)
        elif event.tag is None or event.tag == "!":
            value = text
        else:
            value = self._tagged(event)
        node = Node(value, mark.line + 1, mark.column + 1)
        node.size += len(text) // TEXT_PER_NODE
        if value is not text and value is not None:
            node.written = text
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if self._awaits_key():
            self._key(event, node, text)
        else:
            self._attach(node)

    def _tagged(self, event: Any) -> Any:
        if event.tag not in scalars.SCALAR_TAGS:
            self._unknown_tag(event)
            return event.value
        try:
            return scalars.resolve_tagged(event.tag, event.value)
        except ValueError:
            kind = event.tag.removeprefix(scalars.PREFIX)
            self._note(
                event,
                "yaml-tag",
                f"This value is tagged !!{kind} but is none.",
                f"Remove !!{kind}, or mend the value.",
            )
            return event.value

    def _open_mapping(self, event: Any) -> None:
        self._open(event, {}, scalars.MAPPING_TAG)

    def _open_list(self, event: Any) -> None:
        self._open(event, [], scalars.SEQUENCE_TAG)

    def _open(self, event: Any, value: dict[str, Any] | list[Any], tag: str) -> None:
        if len(self._stack) >= MAX_DEPTH:
            self._abort(
                event,
                "yaml-depth",
                f"The nesting is deeper than {MAX_DEPTH} levels.",
                "Flatten this part of the file.",
            )
        if event.tag is not None and event.tag not in (tag, "!"):
            self._unknown_tag(event)
        mark = event.start_mark
        node = Node(value, mark.line + 1, mark.column + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # open: an alias inside would make it endless
        if self._awaits_key():
            self._odd_key(event, "a mapping" if isinstance(value, dict) else "a list")
        self._stack.append(_Frame(node, event.anchor))

    def _close(self, _event: Any) -> None:
        frame = self._stack.pop()
        if frame.merges:
            _merge(frame.node, frame.merges)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = frame.node
        if self._awaits_key():
            # A collection as a key was reported when it opened; its value still gets read.
            self._set_key("", frame.node, repeated=True)
        else:
            self._attach(frame.node)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self._anchors:
            self._abort(
                event, "yaml-alias", f"The alias *{name} has no anchor before it.",
                f"Write &{name} at the value to repeat, or quote '*{name}' if it is text.",
            )  # fmt: skip
        target = self._anchors[name]
        if target is None:
            self._abort(
                event, "yaml-alias", f"The alias *{name} stands inside what it repeats: it would never end.",
                "Remove the alias.",
            )  # fmt: skip
            return
        self._repeat(event, target.size)
        mark = event.start_mark
        node = Node(target.value, mark.line + 1, mark.column + 1)
        node.fields, node.keys, node.items, node.size = target.fields, target.keys, target.items, target.size
        node.written = target.written
        if self._awaits_key():
            self._key(event, node, str(target.value))
        else:
            self._attach(node)

    def _repeat(self, event: Any, size: int) -> None:
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            self._abort(
                event, "yaml-alias-bomb", f"Aliases add more than {MAX_REPEATED:,} values to this file.",
                "Write the values out, or repeat smaller parts.",
            )  # fmt: skip

    # -- keys and values ------------------------------------------------------

    def _awaits_key(self) -> bool:
        if not self._stack:
            return False
        frame = self._stack[-1]
        return frame.key is None and type(frame.node.value) is dict

    def _key(self, event: Any, node: Node, text: str) -> None:
        value = node.value
        if len(text) > MAX_KEY:
            self._abort(
                event,
                "yaml-key-type",
                f"This key is longer than {MAX_KEY:,} characters.",
                "Use a shorter key.",
            )
        if value == "<<" and getattr(event, "implicit", (False,))[0]:
            self._set_key(_MergeKey("<<"), node)
        elif not isinstance(value, str):
            self._odd_key(event, _kind(value), text)
            self._set_key(text, node, repeated=text in self._stack[-1].node.fields)
        else:
            self._set_key(value, node, repeated=self._is_repeated(event, value))

    def _is_repeated(self, event: Any, key: str) -> bool:
        first = self._stack[-1].node.keys.get(key)
        if first is None:
            return False
        self._note(
            event, "yaml-duplicate-key", f"The key '{key}' was already given on line {first.line}.",
            "Remove or rename one of the two.", key=key,
        )  # fmt: skip
        return True

    def _set_key(self, key: str, node: Node, *, repeated: bool = False) -> None:
        frame = self._stack[-1]
        frame.key = key
        frame.key_place = Position(node.line, node.column)
        frame.repeated_key = repeated

    def _odd_key(self, event: Any, kind: str, text: str = "") -> None:
        hint = f'Quote it: "{text}".' if text else "Use text as the key."
        self._note(event, "yaml-key-type", f"This key is {kind}; keys must be text.", hint)

    def _attach(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        parent = frame.node
        parent.size += node.size
        key = frame.key
        if key is None:
            parent.items.append(node)
            parent.value.append(node.value)
            return
        frame.key = None
        if type(key) is _MergeKey:
            self._merge_key(frame, node)
        elif not frame.repeated_key:
            parent.fields[key] = node
            parent.keys[key] = frame.key_place
            parent.value[key] = node.value

    def _merge_key(self, frame: _Frame, node: Node) -> None:
        sources = node.items if isinstance(node.value, list) else [node]
        if frame.merges:
            message, hint = "'<<' is given twice.", "Give it once, with a list: <<: [*a, *b]."
        elif not sources or not all(isinstance(source.value, dict) for source in sources):
            message = "'<<' merges mappings only."
            hint = "Write <<: *anchor or <<: [*a, *b], or quote '<<' if it is a name."
        else:
            frame.merges.extend(sources)
            return
        self.problems.append(Problem(self._path(), *frame.key_place, "yaml-merge", "error", message, hint))

    # -- problems -------------------------------------------------------------

    def _unknown_tag(self, event: Any) -> None:
        tag = event.tag.replace(scalars.PREFIX, "!!")
        self._note(
            event,
            "yaml-tag",
            f"The tag {tag} is not supported.",
            "Remove the tag: a manifest holds plain data only.",
        )

    def _ambiguous(self, event: Any, text: str, other: str) -> None:
        self._note(
            event, "yaml-portability", f"GTO and DVC take {text} for {other}; here it is a string.",
            f'Quote it: "{text}".', "warning", key=text if self._awaits_key() else None,
        )  # fmt: skip

    def _path(self, key: str | None = None) -> Path:
        keys = [len(f.node.items) if f.key is None else f.key for f in self._stack]
        if keys and self._awaits_key():
            keys.pop()
        return (*keys, key) if key is not None else tuple(keys)

    def _note(
        self,
        event: Any,
        rule: str,
        message: str,
        hint: str,
        severity: Severity = "error",
        *,
        key: str | None = None,
    ) -> None:
        mark = event.start_mark
        self.problems.append(Problem(self._path(key), mark.line + 1, mark.column + 1, rule, severity, message, hint))

    def _abort(self, event: Any, rule: str, message: str, hint: str) -> None:
        mark = event.start_mark
        raise Abort(Problem(self._path(), mark.line + 1, mark.column + 1, rule, "error", message, hint))


def _merge(node: Node, sources: list[Node]) -> None:
    """``<<``: the mapping's own keys win, then the sources in their order."""
    fields: dict[str, Node] = {}
    keys: dict[str, Position] = {}
    for source in reversed(sources):
        fields.update(source.fields)
        keys.update(source.keys)
    fields.update(node.fields)
    keys.update(node.keys)
    node.fields, node.keys = fields, keys
    node.value.clear()
    node.value.update((key, child.value) for key, child in fields.items())
    node.size = 1 + sum(child.size for child in fields.values())


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a mapping" if isinstance(value, dict) else "a list"
