"""`python -m metasgd_np`."""

import sys

from .cli import main

sys.exit(main())
