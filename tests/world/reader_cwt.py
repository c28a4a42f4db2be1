"""Reads a packet's COSE messages with python-cwt, an independent implementation, in an environment of its own.

Takes one JSON object of hexadecimal strings on standard input, prints one on standard output.
"""

import json
import sys

import cwt

OKP, ED25519, X25519 = 1, 6, 4
given = {name: bytes.fromhex(value) for name, value in json.load(sys.stdin).items()}

signing = cwt.COSEKey.new({1: OKP, 2: given["signing_kid"], 3: -19, -1: ED25519, -2: given["signing"]})
opening = cwt.COSEKey.new(
    {1: OKP, 2: given["opening_kid"], 3: 50, -1: X25519, -2: given["opening"], -4: given["opening_private"]}
)
reader = cwt.COSE.new()
found = {
    "statement": reader.decode(given["statement"], signing),
    "manifest": reader.decode(given["manifest"], opening, external_aad=given["aad"], extra_info=given["aad"]),
    "dataset": reader.decode(given["dataset"], opening, external_aad=given["aad"], extra_info=given["dataset_info"]),
}
print(json.dumps({name: value.hex() for name, value in found.items()}))
