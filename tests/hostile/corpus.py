"""What hostile visitors type, link, upload and send: words for every field and link, files for every reader."""

from __future__ import annotations

import json
import pickle
from itertools import pairwise

#: For typed fields and links, by kind. None of them is a number, a name or a choice that any field takes.
WORDS: dict[str, tuple[str, ...]] = {
    "script": (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        '"><iframe src=javascript:alert(1)>',
        "javascript:alert(1)",
        "data:text/html,<b>",
        "![x](http://example.invalid/x.png)",
        "[x](javascript:alert(1))",
        "{{7*7}}",
        "${7*7}",
        "#{7*7}",
        "<%= 7 %>",
        "`id`",
        "$(id)",
        "| id",
        "; DROP TABLE jobs; --",
        "' OR 1=1 --",
        '" OR ""="',
        "$\\frac{1}{0}$",
        ":material/home:",
        "</style><script>",
        "&lt;b&gt;",
        "%3Cscript%3E",
        "__import__('os')",
        "{0.__class__}",
        "%s%s%n",
    ),
    "number": (
        "NaN",
        "-nan",
        "1e999",
        "-1e999",
        "1e-999",
        "-Infinity",
        "0x1p3",
        "0b1",
        "0o7",
        "1__0",
        "١٢٣",
        "Ⅷ",
        "½",
        "8e",
        "e8",
        "--8",
        "8-",
        "1,2,3",
        "1.2.3",
        "8//2",
        "1/0",
        "0/0",
        "1/2/3",
        "10^",
        "10^^3",
        "10^9999",
        "10⁹⁹⁹⁹",
        "1e+",
        "9" * 39,
        "9" * 400,
        "-0.0",
        "+-1",
        "1 000 0",
        "𝟠",
        "8\u0661",
        "1e3e3",
        "true",
        "null",
        "undefined",
    ),
    "invisible": (
        "\u202e8\u202c",
        "\u2066x\u2069",
        "8\u200b",
        "\u200d",
        "\ufeff8",
        "\u00ad8",
        "\x00",
        "8\x00",
        "\x1b[31m8",
        "\x07",
        "\x7f",
        "a\u0301" * 30,
        "Z̵͎a̸l̵g̶o̷" * 5,
        "\U000e0041",
        "\u2028",
        "\u2029",
        "\ufffe",
        "\r\nSet-Cookie: a=b",
        "\t\v\f",
        "\u3164",
    ),
    "path": (
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "file:///etc/passwd",
        "....//....//etc/passwd",
        "%2e%2e%2f",
        "ham10000/../skin_phantom",
        "ham10000\x00",
        "CON",
        "~root",
        "\\\\host\\share",
        "precomputed/manifest.json",
        "http://127.0.0.1:22/",
        "//example.invalid",
        "gopher://x",
        "a/" * 300,
    ),
    "long": (
        "x" * 100_000,
        "8" * 100_000,
        "é" * 50_000,
        "<" * 100_000,
        "[" * 100_000,
        " " * 100_000 + "x",
        "10^" * 9000,
    ),
    "other": (
        "",
        " ",
        "HAM10000",
        "ham10000,skin_phantom",
        "[]",
        "{}",
        '["a"]',
        "-1",
        "1e16",
        "paper;tight",
        "🙂" * 40,
    ),
}
ALL_WORDS = tuple(word for words in WORDS.values() for word in words)

_PLAN = {"name": "a", "num_train": 900, "expected_batch_size": 90, "epochs": 3, "delta": 1e-5, "epsilon": 8.0}
_WRONG = (None, True, [], {}, "x", "", -1, 0, 0.5, 1e300, 10**30, [1, [2, [3]]], {"a": {"b": 1}}, "\u202e8", "<b>")


_BOMB = "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a},*{a}]\n" for a, b in pairwise("abcdefghi"))


def _files() -> dict[str, tuple[str, bytes]]:
    """Files by name: the ending that they claim, and their bytes. None is a configuration, a plan or a ledger."""
    deep = 20_000
    texts: dict[str, tuple[str, str]] = {
        "toml: arrays": ("toml", "a = " + "[" * deep),
        "toml: inline tables": ("toml", "a = " + "{b = " * 900),
        "toml: dotted": ("toml", ".".join(["a"] * deep) + " = 1"),
        "toml: headers": ("toml", "[" + ".".join(["a"] * deep) + "]"),
        "toml: many dotted lines": ("toml", "\n".join(".".join([f"a{i}", *["b"] * 300]) + " = 1" for i in range(90))),
        "toml: unclosed text": ("toml", 'a = """' + "x" * 1000),
        "toml: huge number": ("toml", "a = " + "9" * 60_000),
        "toml: huge hexadecimal": ("toml", "a = 0x" + "f" * 60_000),
        "toml: twice": ("toml", "a = 1\na = 2"),
        "toml: a table twice": ("toml", "[a]\n[a]"),
        "toml: bad escape": ("toml", 'a = "\\q"'),
        "toml: surrogate": ("toml", 'a = "\\ud800"'),
        "toml: nan": ("toml", "epsilon = nan"),
        "toml: date that is none": ("toml", "a = 2026-13-45"),
        "toml: many tables": ("toml", "".join(f"[a{i}]\n" for i in range(4000))),
        "toml: many plans": ("toml", "[[plans]]\n" * 5000),
        "json: arrays": ("json", "[" * deep),
        "json: tables": ("json", '{"a":' * deep),
        "json: closed arrays": ("json", '{"a":' + "[" * 900 + "]" * 900 + "}"),
        "json: huge number": ("json", '{"a": ' + "9" * 60_000 + "}"),
        "json: huge exponent": ("json", '{"a": 1e' + "9" * 60_000 + "}"),
        "json: twice": ("json", '{"a": 1, "a": 2}'),
        "json: twice deep": ("json", '{"plans": [{"a": 1, "a": 2}]}'),
        "json: infinity": ("json", '{"epsilon": Infinity}'),
        "json: comment": ("json", '{"a": 1 // x\n}'),
        "json: quotes": ("json", "{'a': 1}"),
        "json: many names": ("json", json.dumps({str(i): i for i in range(4000)})),
        "json: cut": ("json", '{"plans": [{"name": "a"'),
        "json: two": ("json", '{"a": 1}{"b": 2}'),
        "json: text": ("json", '"hello"'),
        "yaml: bomb": ("yaml", _BOMB),
        "yaml: itself": ("yaml", "a: &a\n  b: *a\n"),
        "yaml: object": ("yaml", "a: !!python/object/apply:os.system ['true']"),
        "yaml: module": ("yaml", "a: !!python/module:os x"),
        "yaml: new": ("yaml", "a: !!python/object/new:type {}"),
        "yaml: merge": ("yaml", "<<: {a: 1}"),
        "yaml: flow": ("yaml", "a: " + "[" * deep),
        "yaml: blocks": ("yaml", "- " * deep),
        "yaml: names": ("yaml", "? " * deep),
        "yaml: many": ("yaml", "a: [" + "1," * 30_000 + "1]"),
        "yaml: two": ("yaml", "a: 1\n---\nb: 1"),
        "yaml: version": ("yaml", "%YAML 3.0\n---\na: 1"),
        "yaml: tag": ("yaml", "%TAG ! tag:example.invalid,2000:\n---\na: !b 1"),
        "yaml: tab": ("yaml", "a:\n\tb: 1"),
        "yaml: sexagesimal bomb": ("yaml", "a: &x " + ":".join(["1"] * 5000)),
        "xml: entities": ("json", '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;&b;</a>'),
        "html": ("toml", "<html><script>alert(1)</script></html>"),
        "python": ("toml", "import os\nos.remove('x')\n"),
        "shell": ("yaml", "#!/bin/sh\nrm -rf x\n"),
        "csv": ("json", "a,b\n=cmd|' /C calc'!A0,1\n"),
        "words": ("yaml", "word " * 10_000),
        "nul": ("toml", "a = 1\x00"),
        "escape codes": ("yaml", "a: \x1b]0;x\x07"),
        "only comments": ("toml", "# a\n# b\n"),
    }
    files = {name: (suffix, text.encode("utf-8", "surrogatepass")) for name, (suffix, text) in texts.items()}
    raw = {
        "empty": b"",
        "zeros": b"\x00" * 9000,
        "all bytes": bytes(range(256)) * 9,
        "utf-16": '{"a": 1}'.encode("utf-16"),
        "utf-32": '{"a": 1}'.encode("utf-32"),
        "latin-1": "a: é".encode("latin-1"),
        "overlong": b'{"a": "\xc0\xaf"}',
        "surrogate": b'{"a": "\xed\xa0\x80"}',
        "cut in a letter": "a: é".encode()[:-1],
        "zip": b"PK\x03\x04" + b"\x00" * 60,
        "gzip": b"\x1f\x8b\x08" + b"\x00" * 60,
        "png": b"\x89PNG\r\n\x1a\n" + b"\x00" * 60,
        "jpeg": b"\xff\xd8\xff\xe0" + b"\x00" * 60,
        "npy": b"\x93NUMPY\x01\x00" + b"\x00" * 60,
        "pickle": pickle.dumps({"a": 1}),
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "elf": b"\x7fELF\x02\x01\x01" + b"\x00" * 60,
        "sqlite": b"SQLite format 3\x00" + b"\x00" * 84,
        "nifti": b"\x5c\x01\x00\x00" + b"\x00" * 344,
        "1 MB": b'{"a": "' + b"x" * 2**20 + b'"}',
        "1 MB of brackets": b"[" * 2**20,
        "1 MB of dots": b"a" + b".a" * 2**19 + b" = 1",
    }
    endings = ("json", "toml", "yaml")
    files |= {f"bytes: {name}": (endings[i % 3], data) for i, (name, data) in enumerate(raw.items())}
    for field in _PLAN:
        for i, wrong in enumerate(_WRONG):
            if _is_wrong(field, wrong):
                document = json.dumps({"plans": [{**_PLAN, field: wrong}]})
                files[f"plan: {field} {i}"] = ("json", document.encode())
    return files


def _is_wrong(field: str, value: object) -> bool:
    """Whether a value breaks the rule of a plan's field; a name may be nearly any text."""
    if field == "name":
        return not isinstance(value, str) or not value or not value.isprintable()
    return not (field == "epsilon" and value == 0.5) and not (field == "delta" and value == 0.5)


FILES = _files()
#: Those that are well-formed, and wrong only for who wants a plan.
WRONG_PLANS = tuple(name for name in FILES if name.startswith("plan: "))
