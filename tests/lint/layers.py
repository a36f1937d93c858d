#!/usr/bin/env python3
"""An include goes only from a layer to one on its left; each outside library has one home.

  base <- logging, config, pg <- journal, schema <- handlers, alert, ingest <- dispatch, recovery <- daemon | cli
"""

import re
import sys

import project

RANKS = {"base": 0, "logging": 1, "config": 1, "pg": 1, "journal": 2, "schema": 2,
         "handlers": 3, "alert": 3, "ingest": 3, "dispatch": 4, "recovery": 4, "daemon": 5, "cli": 5}
# Layers of one rank do not know each other, but a recovery pass runs what it finds overdue.
ALLOWED_SIBLINGS = {("recovery", "dispatch")}
# header: the only directories that include it
HOMES = [(re.compile(r"libpq"), ("common/pg/",)),
         (re.compile(r"spdlog/"), ("common/logging/",)),
         (re.compile(r"toml\+\+"), ("common/config/",)),
         (re.compile(r"curl/"), ("common/base/", "common/handlers/")),
         (re.compile(r"openssl/"), ("common/base/",)),
         (re.compile(r"microhttpd"), ("daemon/",)),
         (re.compile(r"prometheus/"), ("daemon/",)),
         (re.compile(r"systemd/"), ("daemon/",)),
         (re.compile(r"CLI/"), ("daemon/", "cli/"))]
# The log's tables are written by SQL functions and by the layers that own the SQL text.
WRITERS = ("common/journal/", "common/schema/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# A write may be split over adjacent string literals.
WRITE = re.compile(r'\b(insert\s+into|update|delete\s+from|truncate(?:\s+table)?)[\s"]+evd\.', re.I)


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "common" and len(parts) > 2 else parts[0]


def check_include(path, quote, header):
    if quote == "<" or header.split("/")[0] not in ("common", "daemon", "cli", "tests"):
        for pattern, homes in HOMES:
            if pattern.match(header) and not path.startswith(homes):
                return f"<{header}> belongs to {', '.join(homes)} only"
        if ".." in header.split("/"):
            return f'"{header}": name a header from the top of the project'
        return None
    if header.startswith("tests/"):
        return f'"{header}": only tests include tests'
    here, there = layer_of(path), layer_of(header)
    if there not in RANKS:
        return f'"{header}": {there} is not a layer'
    if here == there:
        if here == "cli" and path.split("/")[1] != header.split("/")[1] and header.count("/") > 1:
            return f'"{header}": one command does not include the other'
        return None
    if RANKS[there] < RANKS[here] or (here, there) in ALLOWED_SIBLINGS:
        return None
    return f'"{header}": {here} must not know {there}'


def check(path, text):
    problems = []
    if layer_of(path) not in RANKS:
        return [f"{path}: {layer_of(path)} is not a layer"]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        problem = check_include(path, *match.groups()) if match else None
        if problem:
            problems.append(f"{path}:{number}: {problem}")
    if not path.startswith(WRITERS):
        for match in WRITE.finditer(text):
            number = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{number}: only {', '.join(WRITERS)} and sql/ write to evd's tables")
    return problems


def self_test():
    def case(path, text, expected):
        return f"{path}: {text}", check(path, text), expected

    project.self_test([
        case("common/pg/a.cpp", '#include "common/base/a.hpp"', False),
        case("common/base/a.cpp", '#include "common/pg/a.hpp"', True),
        case("common/journal/a.cpp", '#include "common/schema/a.hpp"', True),
        case("common/recovery/a.cpp", '#include "common/dispatch/a.hpp"', False),
        case("common/dispatch/a.cpp", '#include "common/recovery/a.hpp"', True),
        case("daemon/a.cpp", '#include "cli/evctl/a.hpp"', True),
        case("cli/evctl/a.cpp", '#include "daemon/a.hpp"', True),
        case("cli/evctl/a.cpp", '#include "cli/evrecover/a.hpp"', True),
        case("cli/evctl/a.cpp", '#include "cli/evctl/b.hpp"', False),
        case("daemon/a.cpp", '#include "tests/support/a.hpp"', True),
        case("daemon/a.cpp", "#include <libpq-fe.h>", True),
        case("common/pg/a.cpp", "#include <libpq-fe.h>", False),
        case("common/base/a.cpp", "#include <spdlog/spdlog.h>", True),
        case("common/base/a.cpp", '#include "../pg/a.hpp"', True),
        case("common/nowhere/a.cpp", "", True),
        case("daemon/a.cpp", 'q("update evd.delivery set x = 1");', True),
        case("daemon/a.cpp", 'q("insert into "\n  "evd.event values");', True),
        case("common/journal/a.cpp", 'q("update evd.delivery set x = 1");', False),
        case("daemon/a.cpp", 'q("select * from evd.events");', False),
    ])


def main():
    if "--self-test" in sys.argv:
        self_test()
    problems = []
    for path in project.files(".cpp", ".hpp", ".h"):
        if path.parts[0] in ("common", "daemon", "cli"):
            problems += check(path.as_posix(), project.read(path))
    project.finish(problems)


main()
