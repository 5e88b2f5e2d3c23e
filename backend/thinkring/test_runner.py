import pytest


class PytestRunner:
    """Runs pytest where Django would run unittest, so that `manage.py test` and `pytest` are the same suite.

    https://pytest-django.readthedocs.io/en/latest/faq.html#how-can-i-use-manage-py-test-with-pytest-django
    """

    def __init__(self, verbosity=1, failfast=False, keepdb=False, **kwargs):
        self.options = ["-q"] if verbosity == 0 else ["-v"] if verbosity == 2 else []
        self.options += ["--exitfirst"] if failfast else []
        self.options += ["--reuse-db"] if keepdb else []

    @classmethod
    def add_arguments(cls, parser):
        parser.add_argument("--failfast", action="store_true", help="Stops at the first test that fails.")
        parser.add_argument("--keepdb", action="store_true", help="Keeps the tests' database for the next run.")

    def run_tests(self, test_labels, **kwargs) -> int:
        return pytest.main([*self.options, *test_labels])
