"""The worker of LEM Desktop for engines written in Python.

It reads one experiment from standard input, carries it out with the engine that is measured, and writes the events of
the worker protocol to standard output. It measures no energy and knows nobody who does.

Nothing heavy is imported here or at the top of any module: an engine is imported when its experiment is carried out,
after the protocol's stream was brought to safety.
"""

__version__ = "0.1.0"

PROTOCOL_VERSION = 1
