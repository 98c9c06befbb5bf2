"""Which files are about services of this build."""

from tests.stores import DATABASES

collect_ignore = [] if DATABASES else ["test_databases.py"]
