"""
Every header of every kind of answer, and the comparison with a real one.

A header that appears, vanishes or changes fails; what is different each time is a pattern. Names are compared without
regard to case, several headers of one name are a list. How an answer is framed (Connection, Content-Length,
Transfer-Encoding) is left out: HTTP/2 has other ways.
"""

import re

FRAMING = {"connection", "content-length", "transfer-encoding"}

DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
TAG = re.compile(r'(W/)?"[\w-]+"')
# nginx weakens the tag of what it compresses itself.
TAG_OF_A_FILE = re.compile(r'"[\w-]+"')
REQUEST_ID = re.compile(r"[0-9a-f]{32}")
CHUNKS = re.compile(r'</_app/immutable/[^>]+>; rel="(module)?preload"(; as="\w+")?; nopush(, <.*)?')

PLAIN = {"Server": "nginx", "Date": DATE}
# What ends every policy.
CLOSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
WITHOUT_TLS = PLAIN | {
    "X-Content-Type-Options": "nosniff", "Content-Security-Policy": f"default-src 'none'; {CLOSED}",
}  # fmt: skip
TLS = PLAIN | {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
    "Permissions-Policy": (
        "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), "
        "encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), "
        "local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), "
        "publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), "
        "xr-spatial-tracking=()"
    ),
    "X-Request-ID": REQUEST_ID,
}
# No document, or none that may do anything.
NOTHING = TLS | {"Content-Security-Policy": f"default-src 'none'; {CLOSED}"}

HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
GZIP = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}

PAGE = TLS | HTML | GZIP | {
    "Content-Security-Policy": re.compile(
        r"default-src 'none'; worker-src 'self'; connect-src 'self' https://api\.thinkring\.test; font-src 'self'; "
        r"img-src 'self' data: https://api\.thinkring\.test; manifest-src 'self'; "
        r"script-src 'self'( 'sha256-[\w+/]+=*'){2}; style-src 'self' 'sha256-[\w+/]+=*'; "
        r"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "ETag": TAG,
    "Link": CHUNKS,
    "X-SvelteKit-Page": "true",
}  # fmt: skip
PUBLIC = NOTHING | {"Cache-Control": "no-cache", "ETag": TAG, "Last-Modified": DATE, "Vary": "Accept-Encoding"}
CHUNK = NOTHING | GZIP | {
    "Content-Type": "application/javascript; charset=utf-8",
    "Cache-Control": "public, max-age=31536000, immutable",
    "ETag": TAG_OF_A_FILE,
    "Last-Modified": DATE,
}  # fmt: skip
STATIC = NOTHING | GZIP | {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Type": "text/css; charset=utf-8",
    "Cache-Control": ["max-age=2592000", "public, immutable"],
    "Expires": DATE,
    "ETag": TAG_OF_A_FILE,
    "Last-Modified": DATE,
}  # fmt: skip
MEDIA = TLS | {
    "Content-Security-Policy": f"default-src 'none'; sandbox; {CLOSED}",
    "Cache-Control": "max-age=604800",
    "Expires": DATE,
    "ETag": TAG,
    "Last-Modified": DATE,
}

BY_DJANGO = {"Cache-Control": "no-store", "Content-Language": "ja"}
API = NOTHING | JSON | BY_DJANGO | {"Vary": "Accept-Language, origin"}
EXPOSED = "Content-Disposition, ETag, Retry-After, X-Request-ID"
CORS = {
    "Access-Control-Allow-Origin": "https://thinkring.test",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": EXPOSED,
}
DOCUMENT = TLS | HTML | {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}  # fmt: skip
NEVER_KEPT = {"Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private", "Expires": DATE}
CSRF_COOKIE = re.compile(r"__Host-csrftoken=\w+; expires=[^;]+; Max-Age=31449600; Path=/; SameSite=Lax; Secure")
REFRESH_COOKIE = re.compile(
    r"__Secure-refresh=[\w.-]+; expires=[^;]+; HttpOnly; Max-Age=604800; Path=/api/v1/auth/; SameSite=Strict; Secure"
)

ERROR = TLS | {
    "Content-Security-Policy": re.compile(rf"default-src 'none'; style-src 'sha256-[\w+/]+=*'; {re.escape(CLOSED)}"),
    "Cache-Control": "no-store",
}


def unchanged(headers):
    """Of an answer that what the asker has is still right: nothing about its body, which keeps the policy it has."""
    about_body = {"Content-Type", "Content-Security-Policy", "Link", "X-SvelteKit-Page", *GZIP}
    return {name: value for name, value in headers.items() if name not in about_body}


ANSWERS = {
    # The page and its files
    "a page": PAGE,
    "no such page": PAGE,
    "a page that is not newer": unchanged(PAGE),
    "a page by its address with a slash": NOTHING | {
        "Location": "/trash", "X-SvelteKit-Normalize": "1", "Cache-Control": "no-cache",
    },
    "a method that a page does not take": NOTHING | JSON | {"Allow": "GET"},
    "a chunk": CHUNK,
    "the icon": PUBLIC | GZIP | {"Content-Type": "image/svg+xml"},
    "the icon's other name": NOTHING | {"Content-Type": "text/html", "Location": "/favicon.svg"},
    "the manifest": PUBLIC | {"Content-Type": "application/manifest+json"},
    "the service worker": PUBLIC | GZIP | {
        "Content-Type": "text/javascript; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; script-src 'self'; connect-src 'self'; {CLOSED}",
    },
    # Files of Django, and uploads
    "a static file": STATIC,
    "a static file that is not newer": unchanged(STATIC) | {"Vary": "Accept-Encoding"},
    "an upload": MEDIA | {"Content-Type": "image/png"},
    "an upload that is no image": MEDIA | {"Content-Type": "application/octet-stream"},
    # The API
    "health": API,
    "an answer of the API": API | {"Allow": "GET, HEAD, OPTIONS", "ETag": TAG},
    "an answer about a person": API | {"Allow": "GET, POST, HEAD, OPTIONS", "ETag": TAG},
    "an answer to the page": API | CORS | {"Allow": "GET, POST, HEAD, OPTIONS", "ETag": TAG},
    "a log-in": API | {"Allow": "POST, OPTIONS", "Set-Cookie": REFRESH_COOKIE},
    "an object with a version": API | {"Allow": "GET, POST, HEAD, OPTIONS", "ETag": TAG},
    "nothing, after a log-out": NOTHING | BY_DJANGO | {
        "Allow": "POST, OPTIONS",
        "Vary": "Accept-Language, origin",
        "Set-Cookie": re.compile(
            r'__Secure-refresh=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; '
            r"Path=/api/v1/auth/; SameSite=Strict(; Secure)?"
        ),
    },
    "a preflight": NOTHING | {
        "Access-Control-Allow-Origin": "https://thinkring.test",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": (
            "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with, if-match, if-none-match"
        ),
        "Access-Control-Allow-Methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
        "Access-Control-Max-Age": "7200",
    },
    "an unknown route of the API": API | {"Allow": "OPTIONS"},
    "without a token": API | {"Allow": "GET, POST, HEAD, OPTIONS", "WWW-Authenticate": "Bearer"},
    "a method that the API does not take": API | {"Allow": "GET, HEAD, OPTIONS"},
    "a value that is not allowed": API | {"Allow": "POST, OPTIONS"},
    "an exception in the API": API | {"Allow": "GET, POST, HEAD, OPTIONS"},
    "an API without its database": API | {"Allow": "POST, OPTIONS", "Retry-After": "5"},
    "the API's schema": NOTHING | BY_DJANGO | {
        "Content-Type": "application/vnd.oai.openapi; charset=utf-8",
        "Content-Encoding": "gzip",
        "Content-Disposition": 'inline; filename="thinkRing.yaml"',
        "Allow": "GET, HEAD, OPTIONS",
        "ETag": TAG,
        "Vary": ["Accept-Encoding", "Accept, Accept-Language, origin"],
    },
    "the API's documentation": DOCUMENT | BY_DJANGO | {
        "Allow": "GET, HEAD, OPTIONS", "Vary": "Accept-Language, origin",
    },
    "whom to tell of a hole": NOTHING | {
        "Content-Type": "text/plain; charset=utf-8", "Content-Language": "ja", "Vary": "Accept-Language",
    },
    # The admin
    "the admin's log-in": DOCUMENT | NEVER_KEPT | {
        "Content-Encoding": "gzip",
        "Content-Language": "ja",
        "Vary": ["Accept-Encoding", "Cookie, Accept-Language"],
        "Set-Cookie": CSRF_COOKIE,
    },
    "the admin, not logged in": DOCUMENT | NEVER_KEPT | {
        "Content-Language": "ja", "Location": "/admin/login/?next=/admin/", "Vary": "Accept-Language, Cookie",
    },
    "the admin by its address without a slash": NOTHING | {
        "Content-Type": "text/html", "Location": "/admin/", "Cache-Control": "no-store",
    },
    "an exception in the admin": DOCUMENT | BY_DJANGO | {"Vary": "Accept-Language, Cookie"},
    # What nginx says itself
    "an error as a page": ERROR | HTML,
    "an error as JSON": ERROR | JSON,
    "an error as JSON that the page may read": ERROR | JSON | CORS,
    "an import without a token": ERROR | JSON | {"WWW-Authenticate": "Bearer"},
    "unavailable, as a page": ERROR | HTML | {"Retry-After": "5"},
    "unavailable, as JSON": ERROR | JSON | {"Retry-After": "5"},
    # A browser that has been here before asks over TLS.
    "a redirect to TLS": WITHOUT_TLS | {
        "Content-Type": "text/html", "Location": re.compile(r"https://(api\.)?thinkring\.test/x\?y=z"),
    },
    "a certificate's challenge": WITHOUT_TLS | {
        "Content-Type": "application/octet-stream", "ETag": TAG, "Last-Modified": DATE,
    },
    "no certificate's challenge": WITHOUT_TLS | {"Content-Type": "text/html; charset=utf-8"},
}  # fmt: skip


def differences(response, answer):
    """By name, what a response says and what it should say by ANSWERS, where that is not the same."""
    expected = {
        name.lower(): values if isinstance(values, list) else [values] for name, values in ANSWERS[answer].items()
    }
    found = {}
    for name, value in response.raw.headers.items():
        if name.lower() not in FRAMING:
            found.setdefault(name.lower(), []).append(value)
    return {
        name: (found.get(name), expected.get(name))
        for name in found.keys() | expected.keys()
        if not fits(found.get(name, []), expected.get(name, []))
    }


def fits(values, expected):
    return len(values) == len(expected) and all(
        wanted.fullmatch(value) if isinstance(wanted, re.Pattern) else wanted == value
        for value, wanted in zip(values, expected, strict=True)
    )
