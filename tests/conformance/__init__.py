"""
The project's real files beside the blocks of the deployment specification, key by key.

Each kind of file has a module that lists the departures of a project's folder; `departures.py` has all of them.
What may depart, and why, is in `docs/conformance.md`, and nowhere else.
"""
