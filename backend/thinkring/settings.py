"""Settings, all of them from the environment.

With no environment at all this is a development server: debug on, SQLite, a throw-away key. With DEBUG=False
whatever is missing, short, or still the example's stops the start with one sentence that says what to set.
"""

import re
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from thinkring import __version__
from thinkring.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
MANY = 1_000_000

DEBUG = env.boolean("DEBUG", True)
# A server to try things on, in public, with a masked copy of production.
STAGING = env.boolean("STAGING", False)
RELEASE = __version__
COMMIT = env.text("COMMIT", "unknown")

SECRET_KEY = env.secret("SECRET_KEY", 32, "development-only-secret-key-0123456789" if DEBUG else None)
JWT_SECRET_KEY = env.secret("JWT_SECRET_KEY", 32, "development-only-jwt-key-0123456789abc" if DEBUG else None)

ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", [])
if not ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured(
        "set ALLOWED_HOSTS to the names this server answers to, "
        "for example thinkring.example.com,api.thinkring.example.com."
    )
if not DEBUG:
    # The container's own health check asks by this name.
    ALLOWED_HOSTS.append("localhost")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "corsheaders",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "apps.core",
    "apps.accounts",
    "apps.thinking",
]

MIDDLEWARE = [
    "apps.core.requests.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    # Within CORS, whose headers a 304 needs too.
    "apps.core.conditional.ConditionalMiddleware",
    "apps.core.pages.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "apps.core.pages.AuthenticationMiddleware",
    "apps.accounts.admin_sessions.AdminSessionMiddleware",
    "apps.core.pages.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

# The processes of gunicorn; each has four threads.
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, 1, 64)

# For Prometheus, inside of the container's networks only; 0 is none, and then nothing is counted.
METRICS_PORT = env.integer("METRICS_PORT", 0, 1024, 65535)
if METRICS_PORT == 8000:
    raise ImproperlyConfigured("set METRICS_PORT to another port than 8000, for example 9100: the API has that one.")
if METRICS_PORT:
    MIDDLEWARE.insert(0, "apps.core.metrics.MetricsMiddleware")

ROOT_URLCONF = "thinkring.urls"
WSGI_APPLICATION = "thinkring.wsgi.application"
TEST_RUNNER = "thinkring.test_runner.PytestRunner"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: PostgreSQL at DATABASE_URL, or where DB_HOST names one; SQLite otherwise.
# https://docs.djangoproject.com/en/5.2/ref/databases/
DB_HOST = env.text("DB_HOST", "")
DATABASE = env.database("DATABASE_URL")
DATABASE_ELSEWHERE = DATABASE is not None
if DATABASE is None and DB_HOST:
    DATABASE = {
        "NAME": env.text("DB_NAME", "thinkring_prod"),
        "USER": env.text("DB_USER", "thinkring_user"),
        "PASSWORD": env.secret("DB_PASSWORD", 12, "thinkring-development" if DEBUG else None),
        "HOST": DB_HOST,
        "PORT": env.integer("DB_PORT", 5432, 1, 65535),
    }
# Another server, which has all that this one has, a little later; heavy reads are asked of it.
REPLICA = env.database("DATABASE_REPLICA_URL")
# A pgBouncer in transaction mode, for the processes that serve (gunicorn.conf.py): migrations and locks of a session
# want the server itself.
PGBOUNCER_HOST = env.text("PGBOUNCER_HOST", "")
if PGBOUNCER_HOST and DATABASE_ELSEWHERE:
    raise ImproperlyConfigured(
        "leave PGBOUNCER_HOST empty beside DATABASE_URL: pgBouncer stands before the database of this installation, "
        "and would lead to another one than migrations go to."
    )


def postgresql(server: dict) -> dict:
    return {
        **server,
        "ENGINE": "thinkring.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # A host that is gone is noticed in half a minute. How long a statement may take says gunicorn.conf.py, so
        # that it is the server's limit and not that of a migration.
        "OPTIONS": {
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            # What is asked again and again is sent, and read by PostgreSQL, once.
            "server_side_binding": True,
            "prepare_threshold": 5,
            **server.get("OPTIONS", {}),
        },
    }


if DATABASE:
    DATABASES = {"default": postgresql(DATABASE)}
    if REPLICA:
        DATABASES["replica"] = {**postgresql(REPLICA), "TEST": {"MIRROR": "default"}}
        DATABASE_ROUTERS = ["apps.core.replica.Router"]
elif DEBUG:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": env.text("SQLITE_PATH", str(BASE_DIR / "db.sqlite3")),
            # IMMEDIATE: a transaction that reads before it writes waits for its turn instead of failing half-way.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    }
else:
    raise ImproperlyConfigured("set DB_HOST to the host of the PostgreSQL server, for example db, or DATABASE_URL.")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Shared by all workers and containers, unlike the default cache; its table comes with the migrations of `core`.
DATABASE_CACHE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "core_cache"}
CACHES: dict[str, dict] = {"default": DATABASE_CACHE}
# In the place of the database, for what is counted and read often; the database does it while Redis is away.
REDIS_HOST = env.text("REDIS_HOST", "")
if REDIS_HOST:
    if not DATABASE:
        raise ImproperlyConfigured(
            "set DB_HOST to the host of the PostgreSQL server too: it counts what changes, for what Redis keeps."
        )
    CACHES = {
        "default": {
            "BACKEND": "apps.core.cache.Cache",
            "LOCATION": f"redis://{REDIS_HOST}:{env.integer('REDIS_PORT', 6379, 1, 65535)}",
            "OPTIONS": {
                "password": env.secret("REDIS_PASSWORD", 12, None),
                "serializer": "apps.core.cache.Serializer",
                # Seconds; then it is away for a while.
                "socket_connect_timeout": 1,
                "socket_timeout": 1,
            },
        },
        "database": DATABASE_CACHE,
    }

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Who guesses at a password is locked out, in the API and the admin alike.
# https://django-axes.readthedocs.io/en/latest/4_configuration.html
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = env.integer("LOGIN_FAILURE_LIMIT", 10, 1, MANY)
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Of one name from one address, so that nobody can lock out somebody else.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "apps.accounts.lockout.name_kept"
AXES_CLIENT_IP_CALLABLE = "apps.accounts.lockout.address_kept"
AXES_LOCKOUT_CALLABLE = "apps.accounts.lockout.answer"
if REDIS_HOST:
    AXES_HANDLER = "apps.accounts.lockout.CacheHandler"
# Of a form that failed nothing is kept but that it failed.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "csrfmiddlewaretoken"]
# apps.core.audit has it, without names.
AXES_DISABLE_ACCESS_LOG = True
# Of digests nobody can make anything.
AXES_ENABLE_ADMIN = False

# Calls a minute: of log-in for each name and address, of log-in for each address, other ones for each address, and
# of somebody who is signed in for the account.
CALL_LIMITS = {
    "login_name": env.integer("LIMIT_LOGIN_NAME", 5, 1, MANY),
    "login_address": env.integer("LIMIT_LOGIN_ADDRESS", 20, 1, MANY),
    "anonymous": env.integer("LIMIT_ANONYMOUS", 60, 1, MANY),
    "signed_in": env.integer("LIMIT_SIGNED_IN", 600, 1, MANY),
}

# In the audit log an address is only the network that it is in.
AUDIT_MASK_ADDRESSES = env.boolean("AUDIT_MASK_ADDRESSES", False)

# Japanese first: it answers whoever asks for neither of the two.
LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", "日本語"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"

# Static files: nginx's, or at an address of a CDN; uploads: in the volume, or in a bucket (docs/storage.md).
STATIC_URL = "/static/"
if env.text("STATIC_URL", STATIC_URL) != STATIC_URL:
    STATIC_URL = env.address("STATIC_URL", "") + "/"
    MIDDLEWARE.append("apps.core.pages.PolicyMiddleware")
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
STATIC_BUCKET = env.text("STATIC_BUCKET", "")
if STATIC_BUCKET and STATIC_URL == "/static/":
    raise ImproperlyConfigured(
        "set STATIC_URL to the address at which browsers find what is in STATIC_BUCKET, "
        "for example https://cdn.thinkring.example.com/static/."
    )
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_BUCKET = env.text("MEDIA_BUCKET", "")
if MEDIA_BUCKET and DEBUG:
    raise ImproperlyConfigured(
        "leave MEDIA_BUCKET empty where DEBUG is on: it is nginx that shows what is in a bucket, and there is none."
    )
if MEDIA_BUCKET and MEDIA_BUCKET == STATIC_BUCKET:
    raise ImproperlyConfigured(
        "set STATIC_BUCKET to another bucket than MEDIA_BUCKET: everybody may read static files, and uploads nobody."
    )
STORE: dict = {}
if MEDIA_BUCKET or STATIC_BUCKET:
    if find_spec("storages") is None:
        raise ImproperlyConfigured(
            "set EXTRAS to s3 and build the image anew, or leave MEDIA_BUCKET and STATIC_BUCKET empty: "
            "this image has nothing that speaks to a store."
        )
    if not env.text("S3_ENDPOINT_URL", ""):
        raise ImproperlyConfigured(
            "set S3_ENDPOINT_URL to the address of the store, for example https://s3.ap-northeast-1.amazonaws.com."
        )
    STORE = {
        "endpoint_url": env.address("S3_ENDPOINT_URL", ""),
        "region_name": env.text("S3_REGION", "us-east-1"),
        "access_key": env.secret("S3_ACCESS_KEY_ID", 3, None),
        "secret_key": env.secret("S3_SECRET_ACCESS_KEY", 8, None),
    }
STORAGES = {
    "default": (
        {
            "BACKEND": "apps.core.store.MediaStore",
            # An address of its own serves for a minute.
            "OPTIONS": {**STORE, "bucket_name": MEDIA_BUCKET, "querystring_expire": 60},
        }
        if MEDIA_BUCKET
        else {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    ),
    # Hashed names, because nginx lets browsers keep /static/ for 30 days without asking again.
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage."
        + ("StaticFilesStorage" if DEBUG else "ManifestStaticFilesStorage")
    },
}
if STATIC_BUCKET:
    STORAGES["static_bucket"] = {
        "BACKEND": "apps.core.store.Store",
        "OPTIONS": {**STORE, "bucket_name": STATIC_BUCKET},
    }
# nginx reads what Django writes, as another user.
FILE_UPLOAD_PERMISSIONS = 0o644

# nginx ends TLS and sets X-Forwarded-Proto anew, so that it can be believed where nginx stands in front.
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# nginx sends the security headers, and redirects to https.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002"]
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0 if DEBUG else 1, 0, 5)
# Of the admin; it ends after an hour without use too (apps.accounts.admin_sessions).
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
if not DEBUG:
    # A browser takes them over TLS only, for this host alone and from nobody else.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
CORS_ALLOWED_ORIGINS = env.addresses("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = (*default_headers, "if-match", "if-none-match")
CORS_EXPOSE_HEADERS = ("Content-Disposition", "ETag", "Retry-After", "X-Request-ID")
# A browser may keep the answer to its preflight this long (seconds); autosave would otherwise double its requests.
CORS_PREFLIGHT_MAX_AGE = 7200
CORS_URLS_REGEX = r"^/api/"

# Where the pages are, for links in mails. Never taken from a request: whoever asks could write any name into it.
PAGE_URL = env.address(
    "PAGE_URL",
    "http://127.0.0.1:5173" if DEBUG else next(iter(CORS_ALLOWED_ORIGINS), f"https://{ALLOWED_HOSTS[0]}"),
)
# Whom to tell of a hole, in /.well-known/security.txt.
SECURITY_CONTACT = env.text("SECURITY_CONTACT", f"mailto:security@{urlsplit(PAGE_URL).hostname}")
if not re.fullmatch(r"mailto:\S+@\S+|https://\S+", SECURITY_CONTACT):
    raise ImproperlyConfigured(
        "set SECURITY_CONTACT to mailto: and an address, or to a page that begins with https://, "
        f"not to {SECURITY_CONTACT!r}."
    )
# Seconds that a link to set a new password works.
PASSWORD_RESET_TIMEOUT = 3600

# Mail: by SMTP where EMAIL_HOST names a server; written to the console in development; otherwise not sent.
# https://docs.djangoproject.com/en/5.2/topics/email/
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_USE_SSL = env.boolean("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured(
        "set EMAIL_USE_SSL to True for a mail server that speaks TLS from the start, or EMAIL_USE_TLS for one that is "
        "asked to (STARTTLS), not both."
    )
EMAIL_PORT = env.integer("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587, 1, 65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"thinkRing <no-reply@{urlsplit(PAGE_URL).hostname}>")
if STAGING:
    # Whatever mail server is set: nothing leaves, and the log has it.
    EMAIL_BACKEND = "apps.core.mail.ConsoleBackend"
elif EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
elif DEBUG:
    EMAIL_BACKEND = "apps.core.mail.ConsoleBackend"
else:
    EMAIL_BACKEND = "apps.core.mail.UnsentBackend"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.core.negotiation.ForgivingNegotiation",
    "DEFAULT_THROTTLE_CLASSES": ["apps.core.throttling.AnonymousLimit", "apps.core.throttling.SignedInLimit"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.pagination.PageNumberPagination",
    "DEFAULT_SCHEMA_CLASS": "apps.core.schema.Schema",
    "EXCEPTION_HANDLER": "apps.core.errors.exception_handler",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SECRET_KEY,
    "AUDIENCE": "thinkring",
    "ISSUER": "thinkring",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.integer("JWT_ACCESS_TOKEN_LIFETIME", 15, 1, 1440)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.integer("JWT_REFRESH_TOKEN_LIFETIME", 7, 1, 365)),
}
# A session ends this long after its log-in, however often its tokens are renewed.
SESSION_LIFETIME = timedelta(days=env.integer("SESSION_LIFETIME", 30, 1, 365))
REFRESH_COOKIE = "refresh" if DEBUG else "__Secure-refresh"
REFRESH_COOKIE_PATH = "/api/v1/auth/"

SPECTACULAR_SETTINGS = {
    "TITLE": "thinkRing",
    "DESCRIPTION": "Think a theme through in rounds.",
    "VERSION": RELEASE,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SCHEMA_PATH_PREFIX_TRIM": True,
    "SERVERS": [{"url": "/api/v1"}],
    "DEFAULT_GENERATOR_CLASS": "apps.core.schema.Generator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.schema.add_health",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ErrorCode": "apps.core.errors.KINDS",
        "Language": "apps.accounts.models.User.Language",
        "Theme": "apps.accounts.models.User.Theme",
        "ProjectStatus": "apps.thinking.models.Project.Status",
        "StepType": "apps.thinking.models.Step.Type",
        "TrashKind": "apps.thinking.api.trash.KINDS",
        "RowKind": "apps.thinking.exchange.manifest.KINDS",
        "IgnoredKind": "apps.thinking.exchange.vault.IGNORED",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "apps.core.logs.RequestIdFilter"},
        "exceptions": {"()": "apps.core.logs.ExceptionFilter"},
    },
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        },
        "plain": {"format": "%(levelname)s %(name)s %(message)s"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id"],
            "formatter": "plain" if DEBUG else "json",
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Named, so that it loses Django's own handlers: they would write each line a second time, and mail ADMINS.
        "django": {"level": "INFO"},
        # What a client did wrong stands in the line of its request already, and why a view said 5xx in its own.
        "django.request": {"level": "ERROR", "filters": ["exceptions"]},
        # Said once a host by core.errors, not with a traceback for each request of a robot.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # `runserver` tells of each request too. Only what went wrong is told twice, and its lines come whole.
        "django.server": {"level": "ERROR", "propagate": False},
        # It tells of each log-in, names included; apps.core.audit does without.
        "axes": {"level": "ERROR"},
        # It says at every start of `runserver` that it watches the files.
        "django.utils.autoreload": {"level": "WARNING"},
    },
}
