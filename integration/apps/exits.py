"""Usage: exits.py CODE [SECONDS]: exits with CODE, at once or after SECONDS."""

import sys
import time

code = int(sys.argv[1])
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
print(f"exiting with {code} in {seconds:g} s", flush=True)
time.sleep(seconds)
print(f"exit {code}", file=sys.stderr, flush=True)
sys.exit(code)
