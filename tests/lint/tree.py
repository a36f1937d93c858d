#!/usr/bin/env python3
"""What no file of the project may hold, and how the SQL functions are laid out."""

import re
import sys

import project

# Written in pieces, so that this file does not find itself.
FORBIDDEN = [
    (re.compile(r"(?<![\w.$}>])/(?:wo" r"rk|fa" r"rm|ro" r"ot)/"), "a path of one machine"),
    (re.compile(r"/ho" r"me/[a-z]\w*/"), "a path of one machine"),
    (re.compile(r"\b[\w-]*(?:regi" r"stry|artif" r"actory|nex" r"us|mir" r"rors?)\.[\w-]+\.[a-z]{2,}\b"
                r"|//[\w.-]+\.(?:inter" r"nal|co" r"rp|l" r"an)\b", re.I), "a package host"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"), "unfinished work"),
    (re.compile(r"^(?:<{7} |>{7} |={7}$)", re.M), "a merge conflict"),
]
FUNCTION = re.compile(r"^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+evd\.(\w+)", re.I | re.M)


def check_text(path, text):
    return [f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group()}"
            for pattern, what in FORBIDDEN for match in pattern.finditer(text)]


def check_function(path, text):
    problems = []
    if not text.startswith("--"):
        problems.append(f"{path}:1: begin with a comment: what it does, reads and writes")
    names = set(FUNCTION.findall(text))
    stem = path.rsplit("/", 1)[-1].removesuffix(".sql")
    if names != {stem}:
        problems.append(f"{path}: should define evd.{stem} alone; defines {sorted(names)}")
    return problems


def self_test():
    ok = "-- Says.\ncreate or replace function evd.f() returns void language sql as '';\n"
    project.self_test([
        ("machine path", check_text("a", "cd /wo" "rk/main"), True),
        ("home path", check_text("a", "/ho" "me/joe/evd"), True),
        ("a relative path that looks like one", check_text("a", "${dir}/wo" "rk/x"), False),
        ("package host", check_text("a", "https://regi" "stry.example.com/x"), True),
        ("unfinished", check_text("a", "// TO" "DO: later"), True),
        ("conflict", check_text("a", "x\n<<<<<<" "< ours\n"), True),
        ("plain text", check_text("a", "/usr/bin/evd, /var/lib/evd; the work goes on"), False),
        ("a function", check_function("sql/functions/f.sql", ok), False),
        ("no header", check_function("sql/functions/f.sql", ok.partition("\n")[2]), True),
        ("two functions", check_function("sql/functions/f.sql", ok + ok.replace("evd.f", "evd.g")), True),
        ("another name", check_function("sql/functions/g.sql", ok), True),
    ])


def main():
    if "--self-test" in sys.argv:
        self_test()
    problems = []
    for path in project.files():
        data = (project.ROOT / path).read_bytes()
        if b"\0" in data:
            continue
        text = data.decode("utf-8", errors="replace")
        problems += check_text(path.as_posix(), text)
        if path.parts[:2] == ("sql", "functions") and path.suffix == ".sql":
            problems += check_function(path.as_posix(), text)
    project.finish(problems)


main()
