"""
The score that MDN's HTTP Observatory would give, by its published table (src/grader/charts.js and src/analyzer/tests
of github.com/mdn/mdn-http-observatory): the scanner itself reaches public hosts only.

Left out is what can only be worth something there: the list of preloaded hosts, and integrity of scripts of others,
of which there are none.
"""

import re
from http.cookies import SimpleCookie

GRADES = [(100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+"), (50, "C"), (45, "C-")]
GRADES += [(40, "D+"), (30, "D"), (25, "D-"), (0, "F")]
# What is good beyond the first hundred counts only from here.
EXTRA_CREDIT_FROM = 90
TOO_BROAD = {"*", "http:", "https:", "ftp:", "http://*", "http://*.*", "https://*", "https://*.*"}
PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
HALF_A_YEAR = 15_768_000


def grade(headers, cookies, redirect):
    """(score, letter): `headers` with names in lower case, `cookies` as they were set, `redirect` from plain HTTP."""
    policy = directives(headers.get("content-security-policy", ""))
    modifiers = [
        of_policy(policy),
        of_cookies(cookies, headers),
        of_frames(policy, headers),
        of_transport(headers),
        of_redirect(redirect),
        0 if headers.get("x-content-type-options") == "nosniff" else -5,
        of_referrer(headers.get("referrer-policy")),
        10 if headers.get("cross-origin-resource-policy") in ("same-site", "same-origin") else 0,
        of_sharing(headers),
    ]
    score = 100 + sum(modifier for modifier in modifiers if modifier < 0)
    if score >= EXTRA_CREDIT_FROM:
        score += sum(modifier for modifier in modifiers if modifier > 0)
    return score, next(letter for least, letter in GRADES if max(score, 0) >= least)


def directives(policy):
    parts = [part.split() for part in policy.split(";") if part.strip()]
    return {name.lower(): set(sources) for name, *sources in parts}


def of_policy(policy):
    if not policy:
        return -25
    everything = policy.get("default-src", {"*"})
    scripts, styles, objects = (policy.get(f"{kind}-src", everything) for kind in ("script", "style", "object"))
    if scripts & {"'unsafe-inline'", "data:", *TOO_BROAD} or objects & TOO_BROAD:
        return -20
    if any(source.startswith(("http:", "ftp:")) for sources in policy.values() for source in sources):
        return -20
    if "'unsafe-eval'" in scripts | styles:
        return -10
    if styles & {"'unsafe-inline'", "data:", *TOO_BROAD}:
        return 0
    return 10 if everything == {"'none'"} else 5


def of_cookies(cookies, headers):
    morsels = [morsel for cookie in cookies for morsel in SimpleCookie(cookie).values()]
    protected = of_transport(headers) == 0
    worst = 5 if morsels and all(morsel["samesite"] for morsel in morsels) else 0
    for morsel in morsels:
        is_session = any(word in morsel.key.lower() for word in ("login", "sess"))
        if not morsel["secure"]:
            worst = min(worst, (-10 if protected else -40) if is_session else (-5 if protected else -20))
        if is_session and not morsel["httponly"]:
            worst = min(worst, -30)
        if "csrf" in morsel.key.lower() and not morsel["samesite"]:
            worst = min(worst, -20)
    return worst


def of_frames(policy, headers):
    if "frame-ancestors" in policy and not policy["frame-ancestors"] & TOO_BROAD:
        return 5
    return 0 if headers.get("x-frame-options", "").upper() in ("DENY", "SAMEORIGIN") else -20


def of_transport(headers):
    age = re.search(r"max-age=(\d+)", headers.get("strict-transport-security", ""))
    return -20 if not age else 0 if int(age[1]) >= HALF_A_YEAR else -10


def of_redirect(redirect):
    """(where plain HTTP was asked, where it led to)."""
    asked, to = redirect
    if not to.startswith("https://"):
        return -20
    return 0 if to.split("/")[2] == asked.split("/")[2] else -5


def of_referrer(policy):
    return 0 if policy is None else 5 if policy in PRIVATE else -5


def of_sharing(headers):
    """The answer to somebody else's origin."""
    credentials = headers.get("access-control-allow-credentials") == "true"
    return -50 if credentials and "access-control-allow-origin" in headers else 0
