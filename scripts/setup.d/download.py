"""Save what a URL serves as a file: ``download.py URL FILE``. A bare machine has Python, but neither curl nor wget."""

import shutil
import sys
import urllib.request
from pathlib import Path

url, file = sys.argv[1:]
with urllib.request.urlopen(url, timeout=60) as source, Path(file).open("wb") as target:
    shutil.copyfileobj(source, target)
