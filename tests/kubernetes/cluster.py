"""
A stand-in for kubectl in the place of a cluster: it renders as the real one does, notes what else it was asked, and
answers from a table. What a cluster makes of it is not seen here.
"""

import os
import re
import shlex
import subprocess

from .rendering import FOLDER, KUBECTL, text

# The first pattern that fits decides; what no pattern fits is answered with nothing, and goes well.
STAND_IN = """#!/bin/bash
if [ "$1" = kustomize ]; then
  # To render what has been rendered would take a quarter of a second each time.
  if cmp -s "$2/kustomization.yaml" {mine}/kustomization.yaml; then cp {rendered} "$4"; else exec {kubectl} "$@"; fi
  exit
fi
call=$*
call=${{call/--namespace thinkring /}}
printf '%s\\n' "$call" >>{calls}
{api}
{answers}
"""
# What an API has to answer, so that the real kubectl reads this out of it.
ASKS_THE_API = """[[ ! $call =~ ^get\\ (job|pods)\\  ]] || exec {kubectl} --server {address} "$@\""""
ANSWER = "pattern={pattern}; if [[ $call =~ $pattern ]]{after}; then printf %s {said} {where}; exit {status}; fi"
NOT_FOUND = "Error from server (NotFound): there is none\n"
# A cluster that has all that is asked for, and nothing of thinkRing yet.
READY = [
    ["^get --raw /version", 0, '{\n  "major": "1",\n  "minor": "34+"\n}\n'],
    ["^get namespaces --selector", 0, "namespace/ingress\n"],
    ["^get nodes", 0, "16000000Ki\n"],
    ["^get secret", 0, "c2VjcmV0"],
    ["^config current-context", 0, "here\n"],
    ["^get job", 0, "Complete: \n"],
    ["^logs job/schema", 0, "looked\n"],
    ["^create --filename -", 0, "backup.postgresql.cnpg.io/before-deploy-1\n"],
]
# And one where it runs.
RUNS = [
    ["^get deployment backend .*name$", 0, "deployment.apps/backend\n"],
    [r"^get deployment (nginx|frontend|backend) .*revision", 0, "7"],
]


def answer(row, calls):
    """A line of the stand-in; a fourth word is a call that has to have come before."""
    pattern, status, said, *before = row
    return ANSWER.format(
        pattern=shlex.quote(pattern),
        after=f" && grep -q {shlex.quote(before[0])} {calls}" if before else "",
        said=shlex.quote(said),
        where=">&2" if status else "",
        status=status,
    )


class Cluster:
    def __init__(self, folder, mine):
        self.folder = folder
        self.mine = mine
        self.rendered = folder / "rendered.yaml"
        self.rendered.write_text(text(mine))
        self.file = folder / "calls"
        self.file.touch()
        self.programs = folder / "programs"
        self.programs.mkdir()

    def run(self, script, *arguments, answers=(), api=None, scripts=FOLDER):
        stand_in = self.programs / "kubectl"
        lines = "\n".join(answer(row, self.file) for row in [*answers, *READY])
        asks = ASKS_THE_API.format(kubectl=KUBECTL, address=f"http://127.0.0.1:{api.server_port}") if api else ""
        stand_in.write_text(
            STAND_IN.format(
                kubectl=KUBECTL, mine=self.mine, rendered=self.rendered, calls=self.file, answers=lines, api=asks
            )
        )
        stand_in.chmod(0o755)
        return subprocess.run(
            [scripts / script, *arguments],
            # kubectl remembers at HOME what an API has.
            env={"PATH": f"{self.programs}:{os.environ['PATH']}", "TMPDIR": self.folder, "HOME": self.folder},
            capture_output=True,
            text=True,
            # It would wait for a job for half an hour.
            timeout=60,
        )

    @property
    def calls(self):
        return self.file.read_text().splitlines()

    def changes(self):
        """What it was told to do, in order, without the folder that each run has of its own."""
        done = [call for call in self.calls if call.split()[0] not in ("get", "config", "logs", "wait")]
        return [
            re.sub(r" --filename \S*/all.yaml", "", call)
            for call in done
            if "--dry-run" not in call and not call.startswith("rollout status")
        ]


def spoil(overlay, old, new):
    file = overlay / "kustomization.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


TRIES_THE_RELEASE = [
    "apply --selector app.kubernetes.io/component=settings",
    "delete job check --ignore-not-found --wait",
    "apply --selector app.kubernetes.io/name=check",
]
LOOKS_AT_THE_SCHEMA = [
    "delete job schema --ignore-not-found --wait",
    "apply --selector app.kubernetes.io/name=schema",
]
