#!/usr/bin/env python3
"""Every configuration key and every flag is documented: docs.py PRINT_CONFIG_KEYS BIN_DIRECTORY

A key must be in the sample file, under its section, and in both pages on the configuration; a flag
of a program's --help must be in its man page.
"""

import pathlib
import re
import subprocess
import sys

import project

SAMPLE = "packaging/evd.toml"
KEY_PAGES = ["docs/configuration.md", "docs/man/evd.toml.5"]
MAN_PAGES = {"evd": "docs/man/evd.8", "evrecover": "docs/man/evrecover.8", "evctl": "docs/man/evctl.1"}

HEADER = re.compile(r"^#?\s*\[+([\w.\"-]+)\]+")
ASSIGNMENT = re.compile(r"^#?\s*([a-z_]+)\s*=\s*(.*)")
INNER = re.compile(r"[{,]\s*([a-z_]+)\s*=")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
NAMED = {"events", "handlers", "owners", "alerts"}  # tables of tables that a user names


def split_key(key):
    """"handlers.*.backoff.base" -> ("handlers", "backoff.base")"""
    section, *rest = key.split(".")
    return section, ".".join(part for part in rest if part != "*")


def sample_keys(text):
    """(section, path) of everything that the sample sets; a commented-out key counts."""
    found, section, prefix = set(), "", ""
    for line in text.splitlines():
        header, assignment = HEADER.match(line), ASSIGNMENT.match(line)
        if header:
            section, *rest = header.group(1).split(".")
            rest = rest[1:] if section in NAMED else rest
            prefix = "".join(part + "." for part in rest)
            found.add((section, prefix.rstrip(".")))
        elif assignment:
            name, value = assignment.groups()
            found.add((section, prefix + name))
            found |= {(section, f"{prefix}{name}.{inner}") for inner in INNER.findall(value)}
    return found


def missing_in_sample(keys, text):
    found = sample_keys(text)
    return [key for key in keys if split_key(key) not in found]


def missing_words(words, text):
    plain = re.sub(r"\\f[BIRP]|\\&", "", text).replace("\\-", "-")
    return [word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", plain)]


def missing_keys(keys, text):
    return [key for key in keys if missing_words([key.rsplit(".", 1)[-1]], text)]


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def help_of(program):
    """The help of a program and all its verbs."""
    text = output(program, "--help")
    verbs = re.findall(r"^  ([a-z][a-z-]*)\b", text.partition("Subcommands:")[2], re.M)
    return text + "".join(output(program, verb, "--help") for verb in verbs)


def self_test():
    sample = "[database]\nurl = 'x'\n[handlers.a]\n# backoff = { base = '1s', max = '2s' }\n[alerts.m.email]\nsmtp = ''\n"
    cases = [("database.url", False), ("database.pool_size", True), ("handlers.*.backoff.max", False),
             ("handlers.*.url", True), ("alerts.*.email.smtp", False), ("alerts.*.email", False)]
    project.self_test(
        [(f"sample: {key}", missing_in_sample([key], sample), expected) for key, expected in cases] + [
            ("key in page", missing_keys(["database.url"], "`url` says where"), False),
            ("key not in page", missing_keys(["database.url"], "`url_file` says where"), True),
            ("flag in man page", missing_words(["--dry-run"], r"\fB\-\-dry\-run\fR"), False),
            ("flag not in man page", missing_words(["--dry"], r"\fB\-\-dry\-run\fR"), True),
        ])


def text_of(path, problems):
    if not (project.ROOT / path).is_file():
        problems.append(f"{path}: does not exist")
        return ""
    return project.read(path)


def main():
    if "--self-test" in sys.argv:
        self_test()
    print_keys, programs = sys.argv[1], pathlib.Path(sys.argv[2])
    keys, problems = output(print_keys).split(), []
    sample = text_of(SAMPLE, problems)
    problems += [f"{SAMPLE}: no {key}" for key in missing_in_sample(keys, sample)]
    for page in KEY_PAGES:
        problems += [f"{page}: no {key}" for key in missing_keys(keys, text_of(page, problems))]
    for program, page in MAN_PAGES.items():
        flags = sorted(set(FLAG.findall(help_of(programs / program))))
        problems += [f"{page}: no {flag}" for flag in missing_words(flags, text_of(page, problems))]
    project.finish(problems)


main()
