#!/usr/bin/env python3
"""The README's example works: readme.py BIN_DIRECTORY

Its toml and sql blocks become files, and every command of its console blocks (a line that begins with
"$ ") is run, in one shell, against a PostgreSQL of its own. A command must succeed, and the words shown
below it must be in what it prints, in that order; "…" stands for anything.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import project

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
START_TIMEOUT = 60
COMMANDS_TIMEOUT = 120


def blocks(text, language):
    return [body for found, body in BLOCK.findall(text) if found == language]


def commands(text):
    """[(command, [lines shown])] of all console blocks."""
    found = []
    for line in "".join(blocks(text, "console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def shows(output, lines):
    words = [rf"(?<!\S){re.escape(word)}(?!\S)" for line in lines for word in line.split() if word != "…"]
    return re.search(".*?".join(words), output, re.S) is not None


def check(command, lines, output, code):
    if code != 0:
        return [f"README.md: $ {command}: exit {code}: {output.strip()}"]
    if not shows(output, lines):
        return [f"README.md: $ {command}: prints {output!r}, and not {lines}"]
    return []


def start_postgres(evd, directory):
    """A running `evd` that lends its PostgreSQL, and works in another database of it than the example."""
    config = directory / "postgres.toml"
    config.write_text(f'[daemon]\nlisten = ["unix:{directory}/evd.sock"]\nstate_dir = "{directory}"\n')
    with open(directory / "postgres.log", "wb") as log:
        process = subprocess.Popen([evd, f"--config={config}", f"--embedded={directory / 'postgres'}"],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + START_TIMEOUT
    while "info ready" not in (directory / "postgres.log").read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            sys.exit("evd --embedded did not start: " + (directory / "postgres.log").read_text(errors="replace"))
        time.sleep(0.05)
    return process


def stop_node(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()


def environment(programs, directory):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "EVD_"))}
    sockets = (directory / "postgres" / "s").resolve()
    return kept | {"PATH": f"{programs}:{kept.get('PATH', '/usr/bin:/bin')}", "PGHOST": str(sockets),
                   "PGPORT": "5432", "PGUSER": "evd", "PGDATABASE": "shop", "PAGER": "cat", "PSQLRC": "/dev/null"}


def write_files(text, directory):
    example = blocks(text, "toml")[0]
    for program in ("lottery", "page"):
        path = directory / program
        path.write_text("#!/bin/sh\ncat >/dev/null\n")
        path.chmod(0o755)
        example = example.replace(f"/usr/local/bin/{program}", str(path))
    # What a test must not share with the machine that it runs on.
    example += f'\n[daemon]\nstate_dir = "{directory}"\nlisten = ["unix:{directory}/example.sock"]\n'
    (directory / "evd.toml").write_text(example)
    (directory / "shop.sql").write_text(blocks(text, "sql")[0])


def run_commands(text, directory, env):
    """Runs them in one shell, so that an export counts for those that follow."""
    problems, shell = [], subprocess.Popen(["bash"], cwd=directory, env=env, text=True, stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    script = "".join(f"{command}\nprintf '\\n\\x01%s\\n' $?\n" for command, _ in commands(text))
    output, _ = shell.communicate(script, timeout=COMMANDS_TIMEOUT)
    results = re.findall(r"(.*?)\n\x01(\d+)\n", output, re.S)
    for (command, lines), (printed, code) in zip(commands(text), results, strict=True):
        problems += check(command, lines, printed, int(code))
    return problems


def self_test():
    text = "```toml\na\n```\n```console\n$ one\nx … y\n$ two\n```\n"
    project.self_test([
        ("finds commands", [] if commands(text) == [("one", ["x … y"]), ("two", [])] else ["wrong"], False),
        ("a failure", check("a", [], "", 1), True),
        ("nothing is shown", check("a", [], "x", 0), False),
        ("what is shown is printed", check("a", ["x … y"], "x 1\n2 y", 0), False),
        ("what is shown is not printed", check("a", ["x … y"], "y x", 0), True),
        ("only a part of a word is printed", check("a", ["2"], "12", 0), True),
    ])


def main():
    if "--self-test" in sys.argv:
        self_test()
    programs = pathlib.Path(sys.argv[1]).resolve()
    text = project.read("README.md")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="evd-readme."))
    directory.chmod(0o711)  # run by root, the server is another user
    process = None
    try:
        write_files(text, directory)
        process = start_postgres(programs / "evd", directory)
        env = environment(programs, directory)
        subprocess.run(["createdb"], env=env, check=True, timeout=30)
        problems = run_commands(text, directory, env)
    finally:
        if process:
            stop_node(process)
        shutil.rmtree(directory)
    project.finish(problems)


main()
