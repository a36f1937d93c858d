"""What the checks share: the project's files and the way a check reports and tests itself."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "build", "node_modules", "__pycache__"}


def files(*suffixes):
    """Paths (relative to the root) of what is tracked or could be: ignored files are left out."""
    listing = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        paths = [pathlib.Path(p) for p in listing.stdout.split("\0") if p]
    else:  # an unpacked archive, or a repository of another user
        paths = [p.relative_to(ROOT) for p in ROOT.rglob("*")]
    return sorted({p for p in paths
                   if not NOT_OURS & set(p.parts) and (ROOT / p).is_file()
                   and (not suffixes or p.suffix in suffixes)})


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def finish(problems):
    """Prints what is wrong, one line each, and exits."""
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


def self_test(cases):
    """cases: (what it shows, the problems found, whether there should be any)."""
    wrong = [f"self-test: {what}: expected {'a' if expected else 'no'} problem, got {list(found)}"
             for what, found, expected in cases if bool(found) != expected]
    finish(wrong)
