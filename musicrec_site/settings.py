"""Every setting of the site, read from the environment (and from `.env` beside manage.py).

docs/settings.md explains each variable; `.env.example` lists them all.
"""

import gc
import logging
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

# Until the apps are ready (`musicrec_site.apps`): nothing of what a start imports is garbage.
gc.disable()

# Before numpy is first imported: implicit runs its own OpenMP threads, and BLAS threads on top of them slow a fit up
# to tenfold.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import environ
from django.core.exceptions import ImproperlyConfigured

from musicrec_site.api.description import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(env.str("MUSICREC_ENV_FILE", default=str(BASE_DIR / ".env")))

TESTING = "pytest" in sys.modules
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "data"))).resolve()
if TESTING:
    # A test run must leave nothing where the site would find it, such as messages for its workers.
    DATA_DIR = BASE_DIR / "test-artifacts" / "data"
ARTIFACTS_DIR = Path(env.str("ARTIFACTS_DIR", default=str(DATA_DIR / "artifacts"))).resolve()
UPLOADS_DIR = DATA_DIR / "uploads"
INTERACTIONS_DIR = DATA_DIR / "interactions"
INCOMING_DIR = DATA_DIR / "incoming"
CLUSTER_DIR = Path(env.str("CLUSTER_DIR", default=str(DATA_DIR / "cluster"))).resolve()
SPARK_MASTER = env.str("SPARK_MASTER", default="")
SPARK_PYTHON = env.str("SPARK_PYTHON", default=str(BASE_DIR / ".venv-spark" / "bin" / "python"))
SPARK_OPTIONS = env.str("SPARK_OPTIONS", default="")
BROKER_DIR = DATA_DIR / "broker"

SECRET_KEY = env.str("SECRET_KEY", default="only-for-tests" if TESTING else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Run `make run`, which writes a .env with a random one, or set it in the environment."
    )

# Encrypts the accounts on music servers; without it a file in DATA_DIR has the key (catalog.servers.credentials).
CREDENTIALS_KEY = env.str("CREDENTIALS_KEY", default="")

# Holds listening histories and messages: nobody else on the machine may read it.
_broker_folders = (BROKER_DIR / "messages", BROKER_DIR / "control")
for _folder in (
    DATA_DIR,
    ARTIFACTS_DIR,
    UPLOADS_DIR,
    INCOMING_DIR,
    *_broker_folders,
    DATA_DIR / "static",
):
    try:
        _folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{_folder} can't be made ({error.strerror}). Give this user the right to write in {DATA_DIR}, "
            "or set DATA_DIR to another folder."
        ) from None

# --- Addresses ------------------------------------------------------------------------------------------------------

RUN_LOCK = DATA_DIR / "run_site.lock"
"""Held by the `run_site` of this folder, which writes its address into it."""


def _read_running_address() -> str:
    """Return the address of this folder's `run_site`, for commands beside it; port 8000 where there was none."""
    try:
        address = RUN_LOCK.read_text()[:200].strip()
    except (OSError, ValueError):
        address = ""
    return address if address.startswith("http://") else "http://127.0.0.1:8000"


SITE_URL = (env.str("SITE_URL", default="") or _read_running_address()).rstrip("/")
_site = urlsplit(SITE_URL)
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[_site.hostname or "127.0.0.1", "localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = [SITE_URL] if HTTPS else []
# Only a proxy that overwrites these headers may be trusted with them; without one a client could forge them.
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Metrics --------------------------------------------------------------------------------------------------------

METRICS = env.bool("METRICS", default=False)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if METRICS and not TESTING:
    # Read by prometheus_client when it is first imported. Every process writes its counts to files here.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics"))
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(mode=0o700, parents=True, exist_ok=True)
else:
    # Set but without its folder it would stop every process at its first import.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

# --- Applications ---------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "common",
    "accounts",
    "catalog",
    "recommendations",
    "musicrec_site",
    "musicrec_site.web.admin_config.DashboardConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_celery_beat",
    "django_structlog",
]

MIDDLEWARE = [
    "musicrec_site.ops.health.HealthMiddleware",
    "musicrec_site.web.request_id.RequestId",
    "catalog.listenbrainz.addresses.ListenBrainzAddresses",
    *(["musicrec_site.ops.metrics.MetricsMiddleware"] if METRICS else []),
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.PrivateByDefault",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "musicrec_site.server.body_limits.BodyLimitMiddleware",
    "musicrec_site.server.bad_values.BadValueMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LimitAnonymousPages",
    "accounts.middleware.ActivateTimeZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "musicrec_site.logs.request_log.RequestLogMiddleware",
]

ROOT_URLCONF = "musicrec_site.urls"
WSGI_APPLICATION = "musicrec_site.wsgi.application"
ASGI_APPLICATION = "musicrec_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "common.http.offer_undo",
                "accounts.context.describe_sign_up",
            ],
            "builtins": ["common.templatetags.icons", "common.templatetags.numbers"],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------------------------

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
    "PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-20000;PRAGMA temp_store=MEMORY"
)
DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'musicrec.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction that will write takes the lock at its start, so two of them queue instead of failing
    # half way with "database is locked".
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": SQLITE_PRAGMAS,
    }
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database.setdefault("OPTIONS", {})["pool"] = {
        "min_size": 0,
        "max_size": env.int("DATABASE_POOL_SIZE", default=8),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache ----------------------------------------------------------------------------------------------------------

CACHE_URL = env.str("CACHE_URL", default="locmemcache://")
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHE_URL.startswith(("redis://", "rediss://")):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
    }
# Counts of requests have a cache of their own: among lists, 300 entries in all, cheap requests would evict them.
CACHES["limits"] = CACHES["default"] | {"KEY_PREFIX": "limits"}
if CACHES["limits"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache":
    CACHES["limits"] |= {"LOCATION": "limits", "OPTIONS": {"MAX_ENTRIES": 100_000}}
# Rises with the form of what is cached: after an update nobody reads what an older release wrote.
CACHES["default"]["VERSION"] = 4

# --- Celery: the row in the database is the job, the message only a wake-up -------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://localhost//")
if CELERY_BROKER_URL.startswith("filesystem://"):
    CELERY_BROKER_TRANSPORT = "musicrec_site.ops.broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "messages"),
        "data_folder_out": str(BROKER_DIR / "messages"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.3,
    }
    # Kombu's second attempt hides what was wrong with the folder behind an AttributeError.
    CELERY_TASK_PUBLISH_RETRY = False
elif CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        # A message whose task runs longer comes again; the claim on the row then finds the run taken.
        "visibility_timeout": env.int("BROKER_VISIBILITY_TIMEOUT", default=3600),
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
    }
WORKER_ALIVE_FILE = env.str("WORKER_ALIVE_FILE", default="")
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A request does not wait for a queue that is gone: the row stays queued, and the next sweep sends the wake-up.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
# implicit fits with OpenMP, whose threads do not survive a fork: a forked child hangs for ever in fit().
CELERY_WORKER_POOL_START_METHOD = "spawn"
CELERY_WORKER_POOL = "musicrec_site.ops.worker_pool:TaskPool"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
# One queue for each kind of work that another must not wait for: a training may take hours, an import a turn of
# seconds, mail goes out at once.
CELERY_TASK_ROUTES = {
    "recommendations.tasks.train": {"queue": "training"},
    "recommendations.tasks.count_trends": {"queue": "training"},
    "recommendations.tasks.count_site_figures": {"queue": "lists"},
    "recommendations.tasks.run_background_job": {"queue": "lists"},
    "catalog.tasks.run_import": {"queue": "imports"},
    "catalog.tasks.run_scan": {"queue": "imports"},
    "catalog.tasks.run_analysis": {"queue": "training"},
    "catalog.tasks.run_server_sync": {"queue": "imports"},
    "accounts.tasks.*": {"queue": "mail"},
}
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

# --- Accounts -------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.ThrottledBackend"]
CSRF_FAILURE_VIEW = "musicrec_site.web.error_pages.show_csrf_failure"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "recommendations:home"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Who may make an account: open, invited (by a link of `manage.py invite`) or closed.
SIGN_UP = env.str("SIGN_UP", default="open")
if SIGN_UP not in ("open", "invited", "closed"):
    raise ImproperlyConfigured(f"SIGN_UP is {SIGN_UP!r}. Set it to open, invited or closed.")
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend":
    EMAIL_CONFIG["EMAIL_BACKEND"] = "musicrec_site.logs.console_mail.EmailBackend"
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="musicrec@localhost")

# --- API ------------------------------------------------------------------------------------------------------------

KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105
# its migrations would make a second, unused table beside ours
MIGRATION_MODULES = {"knox": None}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "common.api.negotiation.LenientNegotiation",
    "DEFAULT_PARSER_CLASSES": ["common.api.parsers.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["musicrec_site.api.throttling.ScopeThrottle"],
    "DEFAULT_PAGINATION_CLASS": "musicrec_site.api.paging.Pages",
    "DEFAULT_SCHEMA_CLASS": "musicrec_site.api.schema.Schema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "musicrec_site.api.errors.handle_exception",
}
# Requests a minute and caller. Every web process counts for itself unless CACHE_URL is a shared cache.
API_RATES = {
    "anonymous": env.int("API_RATE_ANONYMOUS", default=120),
    "read": env.int("API_RATE_READ", default=600),
    "write": env.int("API_RATE_WRITE", default=300),
    "listen": env.int("API_RATE_LISTEN", default=300),
    "staff": env.int("API_RATE_STAFF", default=120),
}
# Page requests a minute and network without an account.
PAGE_RATE_ANONYMOUS = env.int("PAGE_RATE_ANONYMOUS", default=120)

# --- Security headers -----------------------------------------------------------------------------------------------

# The program that finds audio features in music files, with its options; see catalog/analysis/analyser.py.
ANALYSER_COMMAND = env.str("ANALYSER_COMMAND", default="")

# Other sites that the player may load songs from, such as https://music.example.org/; everything else stays here.
MEDIA_SOURCES = env.list("MEDIA_SOURCES", default=[])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "media-src": ["'self'", *MEDIA_SOURCES],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
if HTTPS:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
# On the disk of the data: /tmp may be small, or in memory.
FILE_UPLOAD_TEMP_DIR = INCOMING_DIR

# --- Language, time, static files -------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
FORMAT_MODULE_PATH = ["musicrec_site.formats"]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Served straight from the apps' folders, so that `make run` needs no collectstatic.
WHITENOISE_USE_FINDERS = True
# Every client of a test is a server of its own; it looks for a file when it is asked for one, not for all at first.
WHITENOISE_AUTOREFRESH = TESTING

# --- Logs -----------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
# Set by musicrec_site.web.request_id, which takes none from outside that could forge a line.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True

from musicrec_site.logs.config import build_logging_config

# Two lines a request are most of what a site writes (57 of 80 kB a listener and day): those that went well are kept
# out unless an operator wants them. Failed ones are always there.
_request_level = logging.INFO if env.bool("LOG_REQUESTS", default=False) else logging.DEBUG
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_DEFAULT_LOG_LEVEL = _request_level
# The logger believes any X-Forwarded-For; without a proxy that overwrites it a client could write what it likes.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = TRUST_PROXY
# What the settings page of the dashboard shows; tests write nothing there.
KEPT_LOG = DATA_DIR / "log" / "warnings.jsonl"
LOGGING = build_logging_config(LOG_LEVEL, LOG_FORMAT, None if TESTING else KEPT_LOG)
