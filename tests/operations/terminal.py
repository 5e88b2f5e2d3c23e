"""Somebody at a terminal: waits for a question, answers it, and sees all that is said."""

import os
import pty
import select
import subprocess
import time


class Terminal:
    def __init__(self, command, **options):
        self.end, other_end = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=other_end, stdout=other_end, stderr=other_end, start_new_session=True, **options
        )
        os.close(other_end)
        self.output, self.seen = b"", 0

    @property
    def said(self):
        return self.output.decode(errors="replace").replace("\r\n", "\n")

    def answer(self, question, text):
        """Waits for the words of the question, however long it takes to come to it."""
        end = time.monotonic() + 600
        while question.encode() not in self.output[self.seen :]:
            assert self.read(end - time.monotonic()), f"{question!r} did not come after\n{self.said[-4000:]}"
        self.seen = len(self.output)
        os.write(self.end, text.encode())

    def make_administrator(self, name, address, password):
        """Answers createsuperuser."""
        self.answer("ユーザー名", f"{name}\n")
        self.answer("メールアドレス", f"{address}\n")
        self.answer("Password:", f"{password}\n")
        self.answer("Password (again):", f"{password}\n")

    def exit_status(self):
        end = time.monotonic() + 600
        while self.read(end - time.monotonic()):
            pass
        os.close(self.end)
        return self.process.wait(timeout=60)

    def read(self, timeout):
        if not select.select([self.end], [], [], max(0, timeout))[0]:
            return False
        try:
            self.output += os.read(self.end, 4096)
        except OSError:  # the other end is closed
            return False
        return True
