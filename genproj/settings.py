"""Every setting, top to bottom. Nothing set: SQLite, files, sandbox providers, loopback."""

import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from genproj import env
from genproj.kernel.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()
RUN_DIR = DATA_DIR / "run"
RUN_DIR.mkdir(parents=True, exist_ok=True)

# --- where it listens -----------------------------------------------------------------------
HOST = env.text("HOST", "127.0.0.1")
PORT = env.number("PORT", 8000, least=1)
SANDBOX_PORT = env.number("SANDBOX_PORT", PORT + 1, least=1)
SANDBOX_URL = f"http://127.0.0.1:{SANDBOX_PORT}"
PUBLIC_URL = env.text("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
DEBUG = env.flag("DEBUG", default=False)
#: how long a web process that is asked to end still takes requests, for a front to find out
DRAIN_SECONDS = env.number("DRAIN_SECONDS", 0)


def _secret_key() -> str:
    """SECRET_KEY, or one made once and kept in DATA_DIR (two first starts agree on one)."""
    if given := env.secret("SECRET_KEY"):
        return given
    path = DATA_DIR / "secret_key"
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text().strip()


SECRET_KEY = _secret_key()
_public_host = urlsplit(PUBLIC_URL).hostname or "127.0.0.1"
ALLOWED_HOSTS = list(
    env.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]", HOST, _public_host))
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- what it is made of ---------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "channels",
    "genproj",  # before django_q, whose command `qcluster` it replaces
    "django_q",
    "genproj.runtime",
    "genproj.accounts",
    "genproj.events",
    "genproj.webhooks",
    "genproj.notices",
    "genproj.usage",
    "genproj.assistant",
    "generations",
    "videos",
    "spaces",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "genproj.kernel.requests.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "genproj.kernel.requests.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "genproj.urls"
ASGI_APPLICATION = "genproj.asgi.application"
WSGI_APPLICATION = "genproj.wsgi.application"
WEB_THREADS = env.number("WEB_THREADS", 4, least=1)

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
                "genproj.pages.shell",
            ],
        },
    }
]


def _signed_url_origins() -> list[str]:
    """Where signed addresses of stored objects lead, which pages must be allowed to show."""
    if endpoint := env.text("S3_ENDPOINT_URL"):
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc}"]
    if bucket := env.text("STORAGE_BUCKET"):
        region = env.text("S3_REGION", "us-east-1")
        return [
            f"https://{bucket}.s3.amazonaws.com",
            f"https://{bucket}.s3.{region}.amazonaws.com",
            f"https://s3.{region}.amazonaws.com",
        ]
    return []


CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *_signed_url_origins()],
        "media-src": ["'self'", "blob:", *_signed_url_origins()],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}


# --- where rows live --------------------------------------------------------------------------
#: A database whose machine or network goes without a word is given up in half a minute; by
#: themselves connections that wait for an answer would wait for two hours.
HEARD_OF = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}


def _database(url: str) -> dict:
    """DATABASE_URL as Django's dictionary: `postgresql://…`, `sqlite:///path` or nothing."""
    parts = urlsplit(url)
    if parts.scheme in {"postgres", "postgresql"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {**HEARD_OF, **dict(parse_qsl(parts.query)), "connect_timeout": 5},
        }
    if parts.scheme not in {"", "sqlite"}:
        raise env.BadVariable("DATABASE_URL must begin with postgresql:// or sqlite:///.")
    path = Path(unquote(parts.path)) if parts.scheme else DATA_DIR / "genproj.sqlite3"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 30,
            # DEFERRED read-then-write fails at once with "database is locked"; FULL because an
            # acknowledged webhook must outlive a power cut.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
            "PRAGMA temp_store=MEMORY;PRAGMA cache_size=-32000;PRAGMA mmap_size=134217728;"
            "PRAGMA journal_size_limit=67108864;",
        },
        "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
    }


DATABASES = {"default": _database(env.text("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL")

# --- work and time ----------------------------------------------------------------------------
LEASE_SECONDS = env.number("LEASE_SECONDS", 30, least=1)
SILENCE_SECONDS = env.number("SILENCE_SECONDS", 15, least=2)
HEARTBEAT_SECONDS = min(5.0, LEASE_SECONDS / 4)
WORKERS = env.number("WORKERS", 2, least=1)
#: generations not settled yet, and films not made yet: of one person, and of all
MAX_OPEN_PER_USER = env.number("MAX_OPEN_PER_USER", 10_000, least=1)
MAX_OPEN = env.number("MAX_OPEN", 50_000, least=1)
#: requests that wait for a thread of a web process; one more is answered 503
WEB_WAITING = env.number("WEB_WAITING", 256, least=1)
#: failures in a row after which a provider, the storage … is left alone for a while
BREAKER_FAILURES = env.number("BREAKER_FAILURES", 5, least=1)

Q_CLUSTER = {
    "name": "genproj",
    "workers": WORKERS,
    "queue_limit": WORKERS,  # the default prefetch (workers squared) only delays a restart
    "bulk": 1,
    "poll": 0.1,
    "timeout": 3600,  # backstops only: rows decide what is repeated, and when
    "retry": 7500,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "recycle": 500,
    "max_rss": 600_000,
    "catch_up": False,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
}
JOBS = "genproj.schedules.JOBS"
BEAT = "genproj.runtime.operations.beat"
NOTIFY = "genproj.notices.operations.notify"
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "default"

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                # redis-py 8 closes idle sockets after 5 s unless told not to (channels_redis 422).
                "hosts": [
                    {"address": REDIS_URL, "socket_timeout": None, "health_check_interval": 30}
                ],
                "capacity": 1000,
                "expiry": 30,
                "prefix": "genproj",
            },
        }
    }
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- where bytes live -------------------------------------------------------------------------
MEDIA_ROOT = DATA_DIR / "media"
STORAGE_BUCKET = env.text("STORAGE_BUCKET")
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL")
S3_REGION = env.text("S3_REGION", "us-east-1")
AWS_ACCESS_KEY_ID = env.text("AWS_ACCESS_KEY_ID")
AWS_SECRET_ACCESS_KEY = env.secret("AWS_SECRET_ACCESS_KEY")
SIGNED_URL_SECONDS = 300
MAX_OUTPUT_BYTES = {
    "image": env.number("MAX_IMAGE_BYTES", 64 * 2**20, least=1),
    "video": env.number("MAX_VIDEO_BYTES", 1024 * 2**20, least=1),
}
FETCH_SILENCE_SECONDS = env.number("FETCH_SILENCE_SECONDS", 20, least=1)
FETCH_TOTAL_SECONDS = env.number("FETCH_TOTAL_SECONDS", 300, least=1)
MAX_OUTPUT_PIXELS = env.number("MAX_OUTPUT_PIXELS", 100_000_000, least=1)
MAX_UPLOAD_BYTES = env.number("MAX_UPLOAD_BYTES", 50 * 2**20, least=1)
MAX_IMPORT_BYTES = env.number("MAX_IMPORT_BYTES", 2 * 2**30, least=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
DOWNLOAD_ALLOWED_HOSTS = env.words("DOWNLOAD_ALLOWED_HOSTS")
DELIVERY_ALLOWED_HOSTS = env.words("DELIVERY_ALLOWED_HOSTS")


# --- how long is kept what nobody asks for every day --------------------------------------------
#: days; of events: how old a `since` may be before a full state answers it
KEEP_EVENTS_DAYS = env.number("KEEP_EVENTS_DAYS", 7, least=1)
KEEP_ANSWERS_DAYS = env.number("KEEP_ANSWERS_DAYS", 7, least=1)
KEEP_RECEIPTS_DAYS = env.number("KEEP_RECEIPTS_DAYS", 30, least=1)
KEEP_DELIVERIES_DAYS = env.number("KEEP_DELIVERIES_DAYS", 30, least=1)
KEEP_NOTICES_DAYS = env.number("KEEP_NOTICES_DAYS", 90, least=1)
KEEP_TASKS_DAYS = env.number("KEEP_TASKS_DAYS", 7, least=1)


# --- providers: a key makes it real, without one it is the sandbox ------------------------------
def _provider(name: str, *, real: str, sandbox: str) -> tuple[str, str]:
    """A provider's key and base URL; a real key never goes to the sandbox."""
    key = env.secret(f"{name}_API_KEY") or "sandbox"
    base = env.text(f"{name}_BASE_URL", sandbox if key == "sandbox" else real).rstrip("/")
    if key != "sandbox" and base.startswith(SANDBOX_URL):
        raise env.BadVariable(f"{name}_API_KEY is a real key; it is never sent to the sandbox.")
    return key, base


RUNWARE_API_KEY, RUNWARE_BASE_URL = _provider(
    "RUNWARE", real="https://api.runware.ai/v1", sandbox=f"{SANDBOX_URL}/v1"
)
GEMINI_API_KEY, GEMINI_BASE_URL = _provider(
    "GEMINI", real="https://generativelanguage.googleapis.com", sandbox=SANDBOX_URL
)
GEMINI_API_VERSION = env.text("GEMINI_API_VERSION", "v1beta")
ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL = _provider(
    "ANTHROPIC", real="https://api.anthropic.com", sandbox=SANDBOX_URL
)
ANTHROPIC_MODEL = env.text("ANTHROPIC_MODEL", "claude-sonnet-5-5")
#: US dollars per million tokens; empty: by the table in genproj/usage/queries/prices.py
ANTHROPIC_PRICE_IN = env.amount("ANTHROPIC_PRICE_IN")
ANTHROPIC_PRICE_OUT = env.amount("ANTHROPIC_PRICE_OUT")
ASSISTANT_CALLS_PER_DAY = env.number("ASSISTANT_CALLS_PER_DAY", 500)
#: how long people may take to decide on what the assistant proposes
APPROVAL_HOURS = env.number("APPROVAL_HOURS", 24, least=1)


def _billing() -> tuple[str, str]:
    """The billing service's base URL and token. Neither set: the sandbox's, where the pictures
    come from there too. A base URL that is set and empty: none."""
    token = env.secret("BILLING_TOKEN") or "sandbox"
    pretends = RUNWARE_BASE_URL.startswith(SANDBOX_URL)
    usual = "https://api.polar.sh" if token != "sandbox" else SANDBOX_URL if pretends else ""
    base = "" if env.is_emptied("BILLING_BASE_URL") else env.text("BILLING_BASE_URL", usual)
    if token != "sandbox" and base.startswith(SANDBOX_URL):
        raise env.BadVariable("BILLING_TOKEN is a real token; it is never sent to the sandbox.")
    return base.rstrip("/"), token


BILLING_BASE_URL, BILLING_TOKEN = _billing()
#: films that this installation's own workers render at a time; 0 leaves all to other machines
VIDEO_SLOTS = env.number("VIDEO_SLOTS", 4)
VIDEO_SLOTS_PER_USER = env.number("VIDEO_SLOTS_PER_USER", 2, least=1)
VIDEO_SLOTS_PER_PROVIDER = env.number("VIDEO_SLOTS_PER_PROVIDER", max(VIDEO_SLOTS, 4), least=1)
SEALING_KEY_FALLBACKS = env.words("SEALING_KEY_FALLBACKS")
CALLBACK_SECRETS = [SECRET_KEY, *env.words("CALLBACK_SECRET_FALLBACKS")]
WORKER_WEBHOOK_SECRET = env.secret("WORKER_WEBHOOK_SECRET")

# --- people, words, doors -----------------------------------------------------------------------
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 7},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0 if DEBUG else 60

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "genproj.accounts.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "genproj.kernel.api.problem",
    "DEFAULT_THROTTLE_RATES": {
        "create": env.text("RATE_CREATE", "30000/min"),
        "read": env.text("RATE_READ", "120000/min"),
        "token": "5/min",
        "share_password": "5/min",
    },
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Genproj",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
}
METRICS_TOKEN = env.secret("METRICS_TOKEN")

LOG_FORMAT = env.text("LOG_FORMAT", "console")
LOGGING = logging_config(LOG_FORMAT)
#: of each process that `manage.py run` starts: what a file holds, and how many files there are
LOG_MEGABYTES = env.number("LOG_MEGABYTES", 5, least=1)
LOG_FILES = env.number("LOG_FILES", 4, least=1)
