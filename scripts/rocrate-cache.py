#!/usr/bin/env python3
"""Fills an HTTP cache for `rocrate-validator --offline --cache-path CACHE` without a network.

    pip install roc-validator rocrate==0.11.0
    scripts/rocrate-cache.py CACHE
    rocrate-validator validate --offline --cache-path CACHE -p workflow-run-crate-0.5 FOLDER

The validator asks for one document: the JSON-LD context of RO-Crate 1.1. The package `rocrate` has a copy of it up to
version 0.11; later ones have that of a later RO-Crate.
"""

import importlib.resources
import json
import sys

import requests
from requests.adapters import BaseAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Local(BaseAdapter):
    """Answers every request with one document."""

    def __init__(self, document):
        super().__init__()
        self.document = document

    def send(self, request, **_):
        response = requests.Response()
        response.status_code = 200
        response.request, response.url = request, request.url
        response.headers["Content-Type"] = "application/ld+json"
        response._content = self.document
        response.raw = HTTPResponse(body=self.document, status=200, headers=dict(response.headers), preload_content=False)
        return response

    def close(self):
        pass


def main():
    document = (importlib.resources.files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()
    if json.loads(document)["@id"] != CONTEXT:
        sys.exit("the installed package `rocrate` has the context of another RO-Crate: install rocrate==0.11.0")
    session = CachedSession(sys.argv[1], backend="sqlite", expire_after=-1, allowable_methods=("GET",))
    session.mount("https://", Local(document))
    session.get(CONTEXT)
    print(f"{CONTEXT} is in {sys.argv[1]}.sqlite")


if __name__ == "__main__":
    main()
