"""Checks receipts and proofs of consistency, by the specifications and none of pg_af's code: what docs/receipts.md says, C2SP's
tlog-proof, tlog-checkpoint, tlog-cosignature and signed-note, and RFC 6962. Besides the standard library it needs Ed25519.

    receipt.py KEY.pub PROOF [FROM]     says whether a proof holds; FROM is what a proof of consistency begins with
    receipt.py CASES.json               the same for many, a line each, in the form of receipts.json beside this file

Verdicts: holds; flawed (edited, damaged, or of something else); unproven (too few witnesses); no proof (another kind of file).
"""

import base64
import hashlib
import json
import re
import sys
import uuid
from pathlib import Path

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

HEADER = "c2sp.org/tlog-proof@v1"


class Flaw(Exception):
    """Why a proof does not hold."""


class Unproven(Exception):
    """What is missing for it to hold."""


class NoProof(Exception):
    """It is another kind of file."""


def demand(condition: bool, what: str) -> None:
    if not condition:
        raise Flaw(what)


def unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Flaw(f"{text!r} is no Base64") from error
    demand(base64.b64encode(data).decode() == text, f"{text!r} is not how Base64 is written")
    return data


def unhash(text: str) -> bytes:
    data = unbase64(text)
    demand(len(data) == 32, f"{text!r} is no hash")
    return data


def number(text: str) -> int:
    demand(re.fullmatch("0|[1-9][0-9]*", text) is not None and int(text) < 2**64, f"{text!r} is no number")
    return int(text)


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


# RFC 6962, section 2.1


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1", left, right)


def root_of_inclusion(index: int, size: int, leaf: bytes, proof: list) -> bytes:
    """RFC 9162, section 2.1.3.2, which says in steps what RFC 6962 defines."""
    demand(index < size, "the checkpoint has fewer entries")
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        demand(sn != 0, "the proof is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0, "the proof is too short")
    return r


def check_consistency(old: tuple, new: tuple, proof: list) -> None:
    """RFC 9162, section 2.1.4.2."""
    (first, first_hash), (second, second_hash) = old, new
    demand(first <= second, "the newer checkpoint has fewer entries")
    if first == second:
        demand(first_hash == second_hash and not proof, "two checkpoints of as many entries differ")
        return
    if first == 0:
        demand(not proof and first_hash == sha256(), "nothing is to be proven of no entries")
        return
    if first & (first - 1) == 0:
        proof = [first_hash, *proof]
    demand(bool(proof), "the proof is too short")
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        demand(sn != 0, "the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0, "the proof is too short")
    demand(fr == first_hash and sr == second_hash, "the newer checkpoint does not continue the older one")


# C2SP


def key_id(name: str, algorithm: int, key: bytes) -> bytes:
    return sha256(name.encode(), bytes([0x0A, algorithm]), key)[:4]


def has_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        eddsa.new(eddsa.import_public_key(key), "rfc8032").verify(message, signature)
    except ValueError:
        return False
    return True


class Checkpoint:
    """A signed checkpoint of a ledger of pg_af."""

    def __init__(self, note: str):
        demand(not any(c < " " and c != "\n" for c in note), "a control character")
        end = note.rfind("\n\n") + 1
        demand(end > 0 and note.endswith("\n"), "no signatures")
        self.text = note[:end]
        self.signatures = []
        for line in note[end + 1 : -1].split("\n"):
            match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
            demand(match is not None, f"{line!r} is no signature")
            data = unbase64(match[2])
            demand(len(data) > 4, f"{line!r} is no signature")
            self.signatures.append((match[1], data[:4], data[4:]))
        lines = self.text[:-1].split("\n")
        demand(len(lines) >= 3 and all(lines), "no checkpoint")
        self.origin, self.size, self.root = lines[0], number(lines[1]), unhash(lines[2])
        match = re.fullmatch(r"pg_af/\d+/[^/ ]+/[^/ ]+/(ledger|[-0-9a-f]{36})/\d+", self.origin)
        demand(match is not None, "a checkpoint of another program")
        self.subject = match[1]

    def by(self, name: str, algorithm: int, key: bytes) -> list:
        return [s for n, i, s in self.signatures if (n, i) == (name, key_id(name, algorithm, key))]

    def check_signed(self, keys: list) -> None:
        own = [(key, signature) for key in keys for signature in self.by(self.origin, 1, key)]
        demand(bool(own), "not signed by the given keys")
        demand(all(has_signed(key, self.text.encode(), s) for key, s in own), "a signature does not hold")

    def check_witnessed(self, witnesses: list, required: int) -> None:
        names = {}
        for vkey in witnesses:
            name, _, material = vkey.split("+", 2)
            data = unbase64(material)
            assert data[0] == 4, f"{vkey} is no key of a witness"
            names.setdefault(data[1:], name)
        cosigned = 0
        for key, name in names.items():
            signatures = self.by(name, 4, key)
            for signature in signatures:
                time = int.from_bytes(signature[:8], "big")
                message = f"cosignature/v1\ntime {time}\n{self.text}".encode()
                demand(time < 2**63 and has_signed(key, message, signature[8:]), "a cosignature does not hold")
            cosigned += bool(signatures)
        if cosigned < required:
            raise Unproven(f"{cosigned} witnesses have cosigned, {required} are required")


# pg_af


def unique(pairs: list) -> dict:
    demand(len({key for key, _ in pairs}) == len(pairs), "a key occurs twice")
    return dict(pairs)


def check_receipt(text: str, trust: dict) -> Checkpoint:
    head, separator, note = text.partition("\n\n")
    demand(bool(separator), "no checkpoint")
    lines = head.split("\n")
    demand(len(lines) >= 3 and lines[1].startswith("extra ") and lines[2].startswith("index "), "no receipt")
    extra, index = unbase64(lines[1][6:]), number(lines[2][6:])
    proof = [unhash(line) for line in lines[3:]]
    prev_hash, separator, record = extra.partition(b"\n")
    demand(bool(separator) and re.fullmatch(b"([0-9a-f]{64})?", prev_hash) is not None, "no hash before")

    checkpoint = Checkpoint(note)
    checkpoint.check_signed(trust["keys"])
    entry_hash = sha256(bytes.fromhex(prev_hash.decode()), record)
    found = root_of_inclusion(index, checkpoint.size, sha256(b"\0", entry_hash), proof)
    demand(found == checkpoint.root, "the record is not among the entries of the checkpoint")
    try:
        fields = json.loads(record, object_pairs_hook=unique)
    except ValueError as error:
        raise Flaw("the record is no JSON") from error
    keys = "action actor_id actor_type details id resource_id resource_type seq tenant_id ts v"
    demand(isinstance(fields, dict) and sorted(fields) == keys.split(), "the record has other keys")
    if fields["v"] != 1:
        raise Unproven("another version of records")
    demand(fields["seq"] == index + 1, "the record is of another place")
    demand(bool(prev_hash) == (index > 0), "only the first entry has none before it")
    demand(str(uuid.UUID(fields["tenant_id"])) == checkpoint.subject, "the record is of another tenant")
    checkpoint.check_witnessed(trust["witnesses"], trust["required"])
    return checkpoint


def check(text: str, beginning: str, trust: dict) -> None:
    """Fails unless a proof holds."""
    first = text.split("\n", 1)[0]
    if first == HEADER:
        check_receipt(text, trust)
    elif first.startswith("old "):
        if beginning is None:
            raise NoProof("what it begins with is missing")
        # Witnesses are to have seen the newer one.
        without = {**trust, "witnesses": [], "required": 0}
        if beginning.split("\n", 1)[0] == HEADER:
            old = check_receipt(beginning, without)
        else:
            old = Checkpoint(beginning)
            old.check_signed(trust["keys"])
        head, separator, note = text.partition("\n\n")
        demand(bool(separator), "no checkpoint")
        begins, *proof = head.split("\n")
        new = Checkpoint(note)
        new.check_signed(trust["keys"])
        demand(old.origin == new.origin, "of different chains")
        demand(number(begins[4:]) == old.size, "the proof begins elsewhere")
        check_consistency((old.size, old.root), (new.size, new.root), [unhash(line) for line in proof])
        new.check_witnessed(trust["witnesses"], trust["required"])
    else:
        raise NoProof("neither a receipt nor a proof of consistency")


def verdict(text, beginning, trust: dict) -> str:
    try:
        check(text, beginning, trust)
    except Flaw as flaw:
        return f"flawed: {flaw}"
    except Unproven as missing:
        return f"unproven: {missing}"
    except NoProof as reason:
        return f"no proof: {reason}"
    return "holds"


def public_key(pem: str) -> bytes:
    return ECC.import_key(pem).export_key(format="raw")


def verdicts(cases: dict):
    """Names, the verdicts wanted, and those found."""
    for case in cases["cases"]:
        witnesses = cases["witnesses"] if "required" in case else []
        trust = {"keys": [public_key(cases["public_key"])], "witnesses": witnesses, "required": case.get("required", 0)}
        yield case["name"], case.get("verdict"), verdict(case["proof"], case.get("from"), trust)


def main() -> int:
    files = [Path(file).read_bytes().decode(errors="replace") for file in sys.argv[1:]]
    if len(files) == 1:
        for _, _, found in verdicts(json.loads(files[0])):
            print(found)
        return 0
    key, proof, *rest = files
    found = verdict(proof, rest[0] if rest else None, {"keys": [public_key(key)], "witnesses": [], "required": 0})
    print(found)
    return {"holds": 0, "unproven": 4, "no proof": 1}.get(found.split(":")[0], 3)


if __name__ == "__main__":
    sys.exit(main())
