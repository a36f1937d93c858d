#!/usr/bin/env python3
"""clang-tidy over the programs' sources, in parallel: tidy.py BUILD_DIRECTORY [FILE…]

A file is checked again only if it, a header of the project that it includes, its command or
.clang-tidy changed: what passed is remembered in the build directory under a hash of all these.
Tests are left out, since the macros of a test framework are not code that follows our rules.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import project

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def find_tidy():
    tidy = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if not tidy:
        sys.exit("clang-tidy is not installed")
    return tidy


def arguments(command):
    """A compile command without launcher, compiler, input and output: what clang is to be told."""
    words = shlex.split(command)
    first = next(i for i, word in enumerate(words) if word.startswith("-"))
    kept, skip = [], False
    for word in words[first:]:
        if skip:
            skip = False
        elif word in ("-o", "-c"):
            skip = True
        else:
            kept.append(word)
    # GCC's warnings are GCC's business.
    return [word for word in kept if not word.startswith("-W")]


def inputs(source):
    """The source and every header of the project that it reaches."""
    seen, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in INCLUDE.findall(path.read_text(encoding="utf-8", errors="replace")):
            for candidate in (project.ROOT / name, path.parent / name):
                if candidate.is_file():
                    todo.append(candidate.resolve())
                    break
    return sorted(seen)


def key(source, args, rules):
    digest = hashlib.sha256(rules + "\0".join(args).encode())
    for path in inputs(source):
        digest.update(f"\0{path.relative_to(project.ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def check(tidy, source, args):
    run = subprocess.run(
        [tidy, "--quiet", f"--config-file={project.ROOT / '.clang-tidy'}", str(source), "--", *args],
        capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def commands(build):
    """(source, arguments) of the programs' own sources."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not source.is_relative_to(project.ROOT) or source.is_relative_to(build):
            continue
        if source.relative_to(project.ROOT).parts[0] in ("common", "daemon", "cli"):
            yield source, arguments(entry["command"])


def run(build, only):
    tidy = find_tidy()
    cache = build / "tidy-passed"
    cache.mkdir(exist_ok=True)
    rules = (project.ROOT / ".clang-tidy").read_bytes()
    pending = [(source, args, cache / key(source, args, rules)) for source, args in commands(build)
               if not only or source in only]
    current = {passed for _, _, passed in pending}
    pending = [item for item in pending if not item[2].exists()]
    problems = []
    os.nice(19)  # there is no hurry, and tests that run beside it are not to wait for it
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda item: check(tidy, item[0], item[1]), pending)
        for (_, _, passed), output in zip(pending, results):
            if output:
                problems.append(output.rstrip())
            else:
                passed.touch()
    if not only:
        for old in set(cache.iterdir()) - current:
            old.unlink()
    project.finish(problems)


def self_test(build):
    tidy, args = find_tidy(), ["-std=c++20"]
    directory = build / "tidy-self-test"
    directory.mkdir(exist_ok=True)

    def case(name, text, expected):
        source = directory / f"{name}.cpp"
        source.write_text(text)
        return name, check(tidy, source, args), expected

    long_body = "".join(f"  x += {i};\n" for i in range(80))
    project.self_test([
        case("good", "int twice(int number) { return number * 2; }\n", False),
        case("badly_named", "int TwiceOf(int number) { return number * 2; }\n", True),
        case("too_long", f"int sum(int x) {{\n{long_body}  return x;\n}}\n", True),
        case("bug", "bool same(int a) { return a == a; }\nvoid f(int x) { if (x == 1); }\n", True),
    ])


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    if "--self-test" in sys.argv:
        self_test(build)
    run(build, {pathlib.Path(name).resolve() for name in sys.argv[2:]})


main()
