"""Holds envelopes.json against an implementation of RFC 8785 that is not ours: else the vectors might only agree with
ourselves. Then holds the documented producer in Python, docs/examples/envelope.py, against the vectors, and what
docs/envelopes.md shows of each producer against its source. Holds receipts.json against the checker in receipt.py.

With a program as arguments, holds that one against the vectors instead: it gets messages on standard input, one a line,
and prints the hash of each. With --beyond-i-json before it, also those that hold numbers which no double is.
"""

import hashlib
import json
import math
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import rfc8785

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
sys.dont_write_bytecode = True
sys.path.insert(0, str(EXAMPLES))
sys.path.insert(0, str(Path(__file__).parent))
import receipt  # noqa: E402
from envelope import envelope  # noqa: E402


def exact(value) -> str:
    """Canonical JSON as docs/hash-chain.md has it: RFC 8785, but a number that no double is keeps all its digits."""
    if isinstance(value, Decimal):
        if math.isfinite(float(value)):
            nearest = rfc8785.dumps(float(value)).decode()
            if Decimal(nearest) == value:
                return nearest
        digits = format(value, "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if isinstance(value, list):
        return "[" + ",".join(map(exact, value)) + "]"
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{exact(key)}:{exact(item)}" for key, item in members) + "}"
    return rfc8785.dumps(value).decode()


def by_rfc8785(value) -> str:
    try:
        return rfc8785.dumps(value).decode()
    except rfc8785.CanonicalizationError as error:
        return f"refused: {error}"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_accepted(vector: dict, message: dict) -> None:
    """`message` is the vector's, with decimals for numbers."""
    canonical = vector["canonical"]
    assert exact(envelope(message)) == canonical, f"canonical should be {exact(envelope(message))}"
    assert sha256(canonical) == vector["envelope_hash"], f"canonical hashes to {sha256(canonical)}"
    oracle = by_rfc8785(envelope(vector["message"]))
    if vector.get("beyond_i_json"):
        assert oracle != canonical, "is not beyond I-JSON"
    else:
        assert oracle == canonical, f"canonical should be, by rfc8785, {oracle}"


def check_refused(vector: dict, message: dict) -> None:
    """A refused message has to have the wrong hash, and for the reason that its vector shows."""
    given = vector["envelope_hash"]
    if "hashed" in vector:
        assert sha256(vector["hashed"]) == given, f"hashed hashes to {sha256(vector['hashed'])}"
    if not re.search(r"\.\d{7}", message["ts"]):
        assert sha256(exact(envelope(message))) != given, "envelope_hash is the right one"


def check_program(command: list, asked: list) -> None:
    """`asked` has vectors, and their messages with decimals for numbers."""
    lines = []
    for vector, message in asked:
        # Where floats hold the numbers, as a producer would write those: not every reader takes 1e20 with all digits.
        lines.append(exact(message) if vector.get("beyond_i_json") else json.dumps(vector["message"]))
    run = subprocess.run(command, input="\n".join(lines).encode(), stdout=subprocess.PIPE, check=True)
    hashes = run.stdout.decode().split()
    assert asked and len(hashes) == len(asked), f"{len(hashes)} hashes for {len(asked)} messages"
    wrong = [vector["name"] for (vector, _), given in zip(asked, hashes) if given != vector["envelope_hash"]]
    assert not wrong, f"has another hash for: {', '.join(wrong)}"


def check_document(language: str, program: Path) -> None:
    text = (ROOT / "docs" / "envelopes.md").read_text(encoding="utf-8")
    shown = re.findall(f"```{language}\n(.*?)```", text, re.DOTALL)
    source = program.read_text(encoding="utf-8")
    assert shown and all(part in source for part in shown), f"what it shows is not part of {program.name}"


def check_verdict(wanted: str, found: str) -> None:
    assert found.split(":")[0] == wanted, f"{found}, and should be {wanted}"


def main() -> int:
    text = (Path(__file__).parent / "envelopes.json").read_text(encoding="utf-8")
    vectors = json.loads(text)
    with_digits = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    accepted, refused = [], []
    for vector, digits in zip(vectors, with_digits):
        (refused if "sqlstate" in vector else accepted).append((vector, digits["message"]))

    arguments = sys.argv[1:]
    everything = arguments[:1] == ["--beyond-i-json"]
    asked = [pair for pair in accepted if everything or not pair[0].get("beyond_i_json")]
    checks = []
    if command := arguments[everything:]:
        checks.append((" ".join(command), check_program, command, asked))
    else:
        checks += [(vector["name"], check_accepted, vector, message) for vector, message in accepted]
        checks += [(vector["name"], check_refused, vector, message) for vector, message in refused]
        command = [sys.executable, str(EXAMPLES / "envelope.py")]
        checks.append(("docs/examples/envelope.py", check_program, command, asked))
        for language, suffix in [("go", "go"), ("python", "py"), ("typescript", "ts")]:
            program = EXAMPLES / f"envelope.{suffix}"
            checks.append((f"docs/envelopes.md, {language}", check_document, language, program))
        proofs = json.loads((Path(__file__).parent / "receipts.json").read_text(encoding="utf-8"))
        checks += [(f"proof: {name}", check_verdict, *verdicts) for name, *verdicts in receipt.verdicts(proofs)]

    for vector, _ in accepted:
        if all(vector is not other for other, _ in asked):
            print(f"not asked of the program, for its numbers: {vector['name']}")
    passed, failed = 0, 0
    for name, check, *operands in checks:
        try:
            check(*operands)
        except Exception as error:  # Whatever is wrong with one must not hide the others.
            failed += 1
            print(f"FAILED {name}: {error or type(error).__name__}")
        else:
            passed += 1
            print(f"ok {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
