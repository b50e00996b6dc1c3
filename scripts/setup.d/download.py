"""Save what a URL serves as a file: ``download.py URL FILE``. A bare machine has Python, but neither curl nor wget."""

import shutil
import sys
import urllib.request
from pathlib import Path

url, file = sys.argv[1:]
if not url.startswith("https://"):
    raise SystemExit(f"{url} is not an https address")
with urllib.request.urlopen(url, timeout=60) as source, Path(file).open("wb") as target:  # noqa: S310
    shutil.copyfileobj(source, target)
