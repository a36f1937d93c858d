#!/usr/bin/env python3
"""The documents and the programs say the same: docs.py PRINT_CONFIG_KEYS BIN_DIRECTORY

A configuration key must be in the sample file, under its section, and in both pages on the configuration.
The sample must be accepted, as it is and with all that is commented out. A flag or verb of a program's
--help must be in its man page and in the completion, and the other way round: what a man page, the
completion, or a command in a document names must exist.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import project

SAMPLE = "packaging/evd.toml"
COMPLETION = "packaging/completions/evctl.bash"
KEY_PAGES = ["docs/configuration.md", "docs/man/evd.toml.5"]
MAN_PAGES = {"evd": "docs/man/evd.8", "evrecover": "docs/man/evrecover.8", "evctl": "docs/man/evctl.1"}

EXAMPLE = re.compile(r"^#(?=[\w\[\]{]|  [{\[])", re.M)  # "# words" is prose
FILE_LINE = re.compile(r"^#(?=\w+_file\s*=)", re.M)  # the other way to give what a line above gives
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.M | re.S)
COMMAND = re.compile(r"\bevctl((?: --(?:config|database) \S+| --json)*) ([a-z][a-z-]*)(.*)")
NAMED = {"events", "handlers", "owners", "alerts"}  # tables of tables that a user names
FOREIGN = {"--now"}  # systemctl's


def paths_below(value, path=()):
    """Every path of keys in a parsed file; the elements of a list are below the list's key."""
    elements = value if isinstance(value, list) else [value]
    for table in (element for element in elements if isinstance(element, dict)):
        for key, inner in table.items():
            yield path + (key,)
            yield from paths_below(inner, path + (key,))


def sample_keys(text):
    """Every key that the sample sets or shows commented out, with "*" for a name that a user gives."""
    try:
        parsed = tomllib.loads(EXAMPLE.sub("", text))
    except tomllib.TOMLDecodeError as error:
        return {f"not TOML without the comments: {error}"}
    return {".".join("*" if place == 1 and path[0] in NAMED else part for place, part in enumerate(path))
            for path in paths_below(parsed)}


def missing_in_sample(keys, text):
    found = sample_keys(text)
    return [key for key in keys if key not in found]


def refused(loader, text):
    """What the loader has against the sample with all that is commented out, its files being there."""
    with tempfile.TemporaryDirectory() as directory:
        for name in re.findall(r'"/etc/evd/([\w.]+)"', text):
            (pathlib.Path(directory) / name).write_text(
                "smtp://x:25" if name.startswith("smtp.url") else "http://x")
        shown = FILE_LINE.sub("# ", text).replace('"/etc/evd/', f'"{directory}/')
        path = pathlib.Path(directory) / "evd.toml"
        path.write_text(EXAMPLE.sub("", shown))
        run = subprocess.run([loader, path], capture_output=True, text=True, check=False, timeout=30)
        return [run.stderr.strip()] if run.returncode else []


def plain(text):
    """A man page without its escapes."""
    return re.sub(r"\\f[BIRP]|\\&", "", text).replace("\\-", "-")


def missing_words(words, text):
    return [word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", plain(text))]


def missing_keys(keys, text):
    return [key for key in keys if missing_words([key.rsplit(".", 1)[-1]], text)]


def flags_in(text):
    return set(FLAG.findall(plain(text)))


def unknown_flags(text, known):
    return sorted(flags_in(text) - known - FOREIGN)


def man_verbs(text):
    """The verbs of a man page with what stands below each."""
    section = plain(text).partition(".SH VERBS\n")[2].partition("\n.SH")[0]
    entries = [entry.partition("\n")[0] + "\n" + entry for entry in re.split(r"^\.TP\n\.B ", section, flags=re.M)[1:]]
    return {entry.split(None, 1)[0]: entry for entry in entries}


def completion_verbs(text):
    """The verbs of the completion with the flags of each."""
    names = re.search(r'\bverbs="([^"]*)"', text)
    variables = dict(re.findall(r'\b(\w+)="([^"$]*)"', text))
    flags = dict(re.findall(r'^ *([a-z][a-z-]*)\) flags="([^"]*)"', text, re.M))
    every = set(names.group(1).split() if names else []) | set(flags)
    return {verb: re.sub(r"\$(\w+)", lambda name: variables.get(name[1], ""), flags.get(verb, "")) for verb in every}


def differing_verbs(described, helps):
    """described, helps: {verb: text}; helps[""] is what all verbs take."""
    known = {verb: flags_in(text) for verb, text in helps.items()}
    verbs = set(helps) - {""}
    problems = [f"no {verb}" for verb in sorted(verbs - set(described))]
    problems += [f"there is no verb {verb}" for verb in sorted(set(described) - verbs)]
    for verb in sorted(verbs & set(described)):
        problems += [f"{verb}: there is no {flag}"
                     for flag in sorted(flags_in(described[verb]) - known[verb] - known[""])]
        problems += [f"{verb}: no {flag}"
                     for flag in sorted(known[verb] - known[""] - flags_in(described[verb]))]
    return problems


def wrong_commands(text, helps):
    """What the commands in a document's code name and evctl does not have."""
    problems = []
    code = "\n".join(block or inline for block, inline in CODE.findall(text))
    for _, verb, rest in COMMAND.findall(code):
        if verb not in helps:
            problems.append(f"there is no evctl {verb}")
            continue
        known = flags_in(helps[verb]) | flags_in(helps[""])
        problems += [f"evctl {verb}: there is no {flag}" for flag in sorted(flags_in(rest.partition("#")[0]) - known)]
    return problems


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def helps_of(program):
    """{verb: its help}, with that of the program itself under ""."""
    text = output(program, "--help")
    verbs = re.findall(r"^  ([a-z][a-z-]*)\b", text.partition("Subcommands:")[2], re.M)
    return {"": text} | {verb: output(program, verb, "--help") for verb in verbs}


def self_test():
    sample = ("# prose, and a = not\n[database]\nurl = 'x'\n[daemon]\n#tokens = [   # words\n#  { role = 'a' },\n#]\n"
              "[handlers.a]\n#backoff = { base = '1s', max = '2s' }\n#[alerts.m.email]\n#smtp = ''\n")
    cases = [("database.url", False), ("database.pool_size", True), ("handlers.*.backoff.max", False),
             ("handlers.*.url", True), ("alerts.*.email.smtp", False), ("alerts.*.email", False),
             ("daemon.tokens.role", False), ("daemon.tokens.file", True)]
    helps = {"": "--help --json", "emit": "--help --key K", "list": "--help"}
    page = ".SH VERBS\n.TP\n.B emit [\\-\\-key K]\nWrites.\n.TP\n.B list\nLists.\n.SH END\n"
    bash = 'verbs="emit list"\nkeys="--key"\n  emit) flags="$keys" ;;\n'
    project.self_test(
        [(f"sample: {key}", missing_in_sample([key], sample), expected) for key, expected in cases] + [
            ("sample that is not TOML", missing_in_sample(["a.b"], "[a]\n#b = = 1\n"), True),
            ("key in page", missing_keys(["database.url"], "`url` says where"), False),
            ("key not in page", missing_keys(["database.url"], "`url_file` says where"), True),
            ("flag in man page", missing_words(["--dry-run"], r"\fB\-\-dry\-run\fR"), False),
            ("flag not in man page", missing_words(["--dry"], r"\fB\-\-dry\-run\fR"), True),
            ("flag in help", unknown_flags(r"\-\-key", {"--key"}), False),
            ("flag not in help", unknown_flags(r"\-\-file", {"--key"}), True),
            ("man page as the help", differing_verbs(man_verbs(page), helps), False),
            ("man page with a verb too many", differing_verbs(man_verbs(page), {"": "", "emit": "--key"}), True),
            ("man page with a flag too many", differing_verbs(man_verbs(page), helps | {"emit": ""}), True),
            ("man page without a flag", differing_verbs(man_verbs(page), helps | {"list": "--limit"}), True),
            ("completion as the help", differing_verbs(completion_verbs(bash), helps), False),
            ("completion without a verb", differing_verbs(completion_verbs(bash), helps | {"tail": ""}), True),
            ("completion with a flag too many", differing_verbs(completion_verbs(bash), helps | {"emit": ""}), True),
            ("command", wrong_commands("`evctl --database x emit a --key k --json`, and evctl takes", helps), False),
            ("command of no verb", wrong_commands("```sh\nsudo evctl adopt\n```\n", helps), True),
            ("command with no flag", wrong_commands("`evctl emit --file f`", helps), True),
        ])


def text_of(path, problems):
    if not (project.ROOT / path).is_file():
        problems.append(f"{path}: does not exist")
        return ""
    return project.read(path)


def compare(path, check, problems, *arguments):
    problems += [f"{path}: {problem}" for problem in check(text_of(path, problems), *arguments)]


def check_pages(programs, problems):
    helps = {name: helps_of(programs / name) for name in MAN_PAGES}
    known = {name: set().union(*map(flags_in, verbs.values())) for name, verbs in helps.items()}
    for name, page in MAN_PAGES.items():
        compare(page, lambda text, name=name: [f"no {flag}" for flag in missing_words(sorted(known[name]), text)],
                problems)
        compare(page, lambda text, name=name: [f"there is no {flag}" for flag in unknown_flags(text, known[name])],
                problems)
    compare(MAN_PAGES["evctl"], lambda text: differing_verbs(man_verbs(text), helps["evctl"]), problems)
    compare(COMPLETION, lambda text: differing_verbs(completion_verbs(text), helps["evctl"]), problems)
    compare(COMPLETION, lambda text: [f"there is no {flag}" for flag in unknown_flags(text, known["evctl"])], problems)
    documents = [path for path in project.files(".md") if path.parts[0] == "docs" or len(path.parts) == 1]
    for path in documents:
        compare(path, wrong_commands, problems, helps["evctl"])


def main():
    if "--self-test" in sys.argv:
        self_test()
    print_keys, programs = sys.argv[1], pathlib.Path(sys.argv[2])
    keys, problems = output(print_keys).split(), []
    compare(SAMPLE, lambda text: [f"no {key}" for key in missing_in_sample(keys, text)], problems)
    compare(SAMPLE, lambda text: refused(print_keys, text), problems)
    for page in KEY_PAGES:
        compare(page, lambda text: [f"no {key}" for key in missing_keys(keys, text)], problems)
    check_pages(programs, problems)
    project.finish(problems)


main()
