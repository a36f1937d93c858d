#!/usr/bin/env python3
"""A worker in Python: an event on each line of stdin, an answer on a line of stdout."""
import collections
import json
import sys

scores = collections.Counter()  # a process that lives on can keep what it needs


class Permanent(Exception):
    """Trying again would not help."""


def score(event):
    user, amount = event["args"]
    if amount < 0:
        raise Permanent("a negative amount")
    scores[user] += amount // 100


def answer(event):
    reply = {"id": event["id"], "handler": event["handler"]}
    try:
        score(event)
        return reply | {"ok": True}
    except Permanent as error:
        return reply | {"error": str(error), "permanent": True}
    except Exception as error:
        return reply | {"error": repr(error)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
