"""The work that both designs do: batches of stream records as Lambda delivers them."""

from __future__ import annotations

import base64
import random
from typing import Any

KEY_NAMES = ("pk", "sk")


def stream_records(count: int, *, image_bytes: int, items: int, seed: int = 7) -> list[dict[str, Any]]:
    """`count` records over `items` items: puts mostly, one delete in ten, images of about `image_bytes`."""
    rng = random.Random(seed)
    records = []
    for number in range(count):
        item = rng.randrange(items)
        keys = {"pk": {"S": f"customer-{item // 10:06}"}, "sk": {"N": str(item)}}
        record: dict[str, Any] = {
            "eventID": f"{number:032x}",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_790_000_000 + number // 100,
                "Keys": keys,
                "SequenceNumber": f"{100_000_000_000_000_000_000 + number}",
                "SizeBytes": image_bytes,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }
        if number % 10 == 9:
            record["eventName"] = "REMOVE"
            record["dynamodb"]["OldImage"] = _image(rng, keys, image_bytes)
        else:
            record["eventName"] = "MODIFY"
            record["dynamodb"]["NewImage"] = _image(rng, keys, image_bytes)
            record["dynamodb"]["OldImage"] = _image(rng, keys, image_bytes)
        records.append(record)
    return records


def _image(rng: random.Random, keys: dict[str, Any], image_bytes: int) -> dict[str, Any]:
    """An item like those of an order system: words, numbers, a set, a map, and some bytes that do not compress."""
    words = ["shipped", "ordered", "returned", "express", "gift", "invoice", "warehouse", "customer"]
    fixed = 300
    text = " ".join(rng.choice(words) for _ in range(max(1, (image_bytes - fixed) // 9)))
    return {
        **keys,
        "status": {"S": rng.choice(words)},
        "amount": {"N": f"{rng.randrange(10_000)}.{rng.randrange(100):02}"},
        "labels": {"SS": rng.sample(words, 3)},
        "address": {"M": {"street": {"S": f"{rng.choice(words)} {rng.randrange(200)}"}, "floor": {"N": "3"}}},
        "signature": {"B": base64.b64encode(rng.randbytes(96)).decode()},
        "note": {"S": text},
    }
