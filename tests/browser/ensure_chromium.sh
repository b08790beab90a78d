#!/bin/sh
# Makes sure that the browser tests find a Chromium: the system's, else apt's (as root), else Playwright's own.
# Usage: ensure_chromium.sh PYTHON. Without a browser it says so and succeeds, except under CI=true.
python=$1

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
"$python" - <<'PY' && exit 0
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    sys.exit(not pathlib.Path(playwright.chromium.executable_path).exists())
PY
echo "No Chromium found; installing one for the browser tests …"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit 0
fi
"$python" -m playwright install chromium && exit 0
echo "No Chromium could be installed: the browser tests will be skipped." >&2
[ "${CI:-}" != true ]
