"""gunicorn's settings, from ours. `deploy/gunicorn.conf.py` shows the same to an operator.

gthread keeps connections alive; no worker is recycled; the control socket is off (security.md, H4).
"""

from __future__ import annotations

import os

from exchange import settings as settings_module

_settings = settings_module.load()

bind = _settings.listen
workers = _settings.workers or os.cpu_count() or 1
threads = _settings.worker_threads
worker_class = "gthread"
max_requests = 0
preload_app = False  # pools and keys are made after the fork
timeout = _settings.request_seconds_max
graceful_timeout = _settings.drain_seconds_max
keepalive = 75
limit_request_line = _settings.request_line_bytes_max
limit_request_fields = _settings.headers_max
limit_request_field_size = _settings.header_bytes_max
umask = 0o077
control_socket_disable = True
forwarded_allow_ips = ",".join(_settings.proxy_addresses)
accesslog = None
loglevel = "warning"
