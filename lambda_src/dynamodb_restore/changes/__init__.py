"""The change-data path: stream records become bundles in a FIFO buffer, and bundles become writes.

What holds throughout: after any redelivery of a change, every later change of the same item is delivered
again after it. So each item of the target ends at its last captured image, however often anything is
delivered. Capture is at least once, order is kept per item. Nothing is exactly once.
"""
