#!/usr/bin/env python3
"""shop.py BUYER PRICE: a purchase, and the event that tells of it, in one transaction."""
import json
import sys

import psycopg


def purchase(connection, buyer, price):
    """Emits first to show that it does not matter: the event exists exactly if the purchase does."""
    emitted = connection.execute("select evd.emit('purchased', %s)", [json.dumps([buyer, price])])
    connection.execute("insert into shop.purchase (buyer, price) values (%s, %s)", [buyer, price])
    return emitted.fetchone()[0]


def main(buyer, price):
    try:
        with psycopg.connect() as connection:  # commits at the end, rolls back on an exception
            event_id = purchase(connection, buyer, int(price))
    except psycopg.errors.CheckViolation as error:
        sys.exit(f"no purchase: {error.diag.message_primary}")
    print(event_id)


main(*sys.argv[1:])
