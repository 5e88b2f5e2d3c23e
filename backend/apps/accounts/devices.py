"""What a person calls the device that a log-in came from, as far as its User-Agent says."""

import re

from django.utils.translation import gettext as _

# The first that fits: most of them also claim to be those further down.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "FxiOS/": "Firefox",
    "Firefox/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Macintosh": "macOS",
    "Linux": "Linux",
}
# Of a program: `curl/8.5.0`.
PRODUCT = re.compile(r"(?!Mozilla\b)[\w.+-]{1,50}")


def name(user_agent: str) -> str:
    browser, system = (
        next((name for sign, name in names.items() if sign in user_agent), None) for names in (BROWSERS, SYSTEMS)
    )
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    product = PRODUCT.match(user_agent)
    return browser or system or (product[0] if product else _("Unknown device"))
