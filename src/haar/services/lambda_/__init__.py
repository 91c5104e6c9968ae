"""Lambda: functions that are really run, each in processes of its own; the model ``lambda``.

Functions are zips of code for Python, Node or a custom runtime, run by :mod:`haar.fabric.sandbox`.
Every function has the one version ``$LATEST``. Differences from AWS: a function is ``Active`` when
CreateFunction answers, since its code has been unpacked by then; ``/tmp`` is the machine's, a
process's own directory is ``TMPDIR``.
"""
