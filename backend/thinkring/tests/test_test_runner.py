FILE = "apps/core/tests/test_health.py"


def test_it_works(manage):
    """`manage.py test` runs pytest."""
    done = manage("test", "--failfast", f"{FILE}::test_it_works")

    assert done.returncode == 0, done.stderr
    assert "1 passed" in done.stdout


def test_a_failure_is_told_by_the_exit_code(manage, tmp_path):
    file = tmp_path / "test_failing.py"
    file.write_text("def test_fails():\n    assert False\n")

    assert manage("test", str(file)).returncode == 1


def test_nothing_to_run_is_a_failure(manage, tmp_path):
    assert manage("test", str(tmp_path)).returncode != 0
