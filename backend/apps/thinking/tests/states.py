"""What the state machines have in common: a person, whose requests are made one after another, and what must be so."""

from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test
from rest_framework.test import APIClient

from conftest import UserFactory

# Short, so that the same word stands in two places sooner or later.
WORDS = st.sampled_from(["誤差", "測定誤差", "負担", "夜勤の負担", "error", "Errors of measurement", "確認"])


def check(machine: type[RuleBasedStateMachine]) -> None:
    # A tenth of the examples of a property: each is a lot of requests.
    examples = settings.default.max_examples // 10
    # Without shrinking, which would make as many requests again.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, suppress_health_check=list(HealthCheck), phases=phases)
    )


class Person(RuleBasedStateMachine):
    """Somebody who begins with an empty account. Whatever an example stores is undone after it."""

    def __init__(self):
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.user = UserFactory()
        self.client = APIClient()
        self.client.force_authenticate(self.user)

    def teardown(self):
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def ask(self, method: str, path: str, body=None, status: int = 200, **headers):
        """The answer, which has to be of this status, as JSON; None if it has no body."""
        answer = getattr(self.client, method)(f"/api/v1/{path}", body, headers=headers)
        assert answer.status_code == status, (method, path, body, answer.content.decode())
        # What has no version of its own, such as a list, is told by a digest.
        if answer.get("ETag", "").strip('"').isdigit():
            assert answer["ETag"] == f'"{answer.json()["version"]}"'
        return answer.json() if answer.content else None

    def refused(self, code: str, method: str, path: str, body=None, status: int = 400, **headers) -> dict:
        error = self.ask(method, path, body, status, **headers)["error"]
        assert error["code"] == code
        return error

    def listed(self, path: str) -> list[dict]:
        """All of a list, which has to fit on one page."""
        answer = self.ask("get", f"{path}{'&' if '?' in path else '?'}page_size=100")
        assert answer["next"] is None
        return answer["results"]

    @invariant()
    def what_belongs_together_is_there(self):
        # As at the end of a transaction.
        connection.check_constraints()
