"""gunicorn's settings for `gunicorn -c deploy/gunicorn.conf.py 'exchange.app.server:create_app()'`.

They are made from the exchange's own settings, which an operator changes; `exchange serve` uses
the same. What stands here are the rules of exchange/jobs/gunicorn_conf.py, and nothing else:
gthread, one process a core, no recycling, no control socket, umask 0077, limits, 30 s of drain.
"""

from __future__ import annotations

from exchange.jobs.gunicorn_conf import *  # noqa: F403 - gunicorn reads this module's names
