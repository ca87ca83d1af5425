"""Where the tools of a claim run: for each quantizer and runtime an interpreter with exactly the declared version.

In this order: the reader's own (``--env NAME=PATH``); the interpreter that the verifier runs in, if it happens to
hold the declared version; one that was built before from the same lock; one that is built now. Environments are kept
by the digest of their lock, so that two claims, or two runs, that want the same packages share one, and the second
needs no network. Only wheels of tools that there is a plug-in for are ever installed: a claim names a tool and a
version from a closed vocabulary, never a package.
"""
