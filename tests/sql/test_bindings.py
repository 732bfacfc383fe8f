"""Every statement is bound exactly once: no dead SQL, and none that two modules share."""

import importlib
import pkgutil
from collections import Counter

import service
from service import sql


def test_every_statement_is_bound_exactly_once():
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    assert dict.fromkeys(sql.STATEMENTS, 1) == Counter(sql.BOUND)
