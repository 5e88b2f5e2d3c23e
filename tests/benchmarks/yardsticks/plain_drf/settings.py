"""As `startproject` writes them, and what the tutorials of DRF and simplejwt add."""

import os

environment = os.environ
SECRET_KEY = environment["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "plain_drf",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "plain_drf.urls"
WSGI_APPLICATION = "plain_drf.wsgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": environment["DB_NAME"],
        "USER": environment["DB_USER"],
        "PASSWORD": environment["DB_PASSWORD"],
        "HOST": environment["DB_HOST"],
        # Not the default, which opens a connection for each request: nobody would serve it like that.
        "CONN_MAX_AGE": 60,
    }
}
AUTH_USER_MODEL = "plain_drf.User"
TIME_ZONE = "UTC"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
}
SIMPLE_JWT = {"SIGNING_KEY": environment["JWT_SECRET_KEY"], "AUDIENCE": "thinkring", "ISSUER": "thinkring"}
