"""The only road to the network: polite, resumable, and a file is whole or absent.

Nothing here runs unless a command asks for it. URLs that come out of data (a table, an API's
answer, a redirect) may not point into the local network; only a server that the user named may.
"""

from __future__ import annotations

from graticule.download.addresses import is_public, shown
from graticule.download.client import Answer, Client, Clock, SystemClock
from graticule.download.faults import Refused

__all__ = ["Answer", "Client", "Clock", "Refused", "SystemClock", "is_public", "shown"]
