"""Fits a line to points, each process with its own share of them, with the environment that a PyTorchJob gets.

The gradients are summed over a socket, which is what `torch.distributed.all_reduce` would do. Only the master
prints the loss.
"""

import argparse
import json
import os
import random
import socket
import time

POINTS, STEPS, SHOWN = 400, 60, 10
PATIENCE = 30.0


class Ring:
    """All processes of the job; the first one adds up what the others send."""

    def __init__(self, rank: int, size: int, address: tuple[str, int]) -> None:
        self.rank = rank
        if rank == 0:
            with socket.create_server(address) as server:
                server.settimeout(PATIENCE)
                self.lines = [server.accept()[0].makefile("rw") for _ in range(size - 1)]
        else:
            self.lines = [connect(address).makefile("rw")]

    def sum(self, values: list[float]) -> list[float]:
        """The sums of the values of all processes."""
        if self.rank == 0:
            given = [values, *(json.loads(line.readline()) for line in self.lines)]
            total = [sum(column) for column in zip(*given, strict=True)]
            self.send(total)
            return total
        self.send(values)
        return json.loads(self.lines[0].readline())

    def send(self, values: list[float]) -> None:
        for line in self.lines:
            line.write(json.dumps(values) + "\n")
            line.flush()


def connect(address: tuple[str, int]) -> socket.socket:
    """A line to the master, which may not listen yet."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(address)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--momentum", type=float, required=True)
    args = parser.parse_args()
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    ring = Ring(rank, size, (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])))
    chance = random.Random(rank)  # noqa: S311 - the same points each time
    points = [(x, 3 * x - 2 + chance.gauss(0, 0.1)) for x in (chance.uniform(-1, 1) for _ in range(POINTS // size))]
    if rank:
        print(f"rank {rank} of {size} has {len(points)} points", flush=True)
    slope = offset = speed_slope = speed_offset = 0.0
    for step in range(STEPS):
        errors = [(slope * x + offset - y, x) for x, y in points]
        mine = [sum(e * x for e, x in errors), sum(e for e, _ in errors), sum(e * e for e, _ in errors), len(errors)]
        by_slope, by_offset, squares, count = ring.sum(mine)
        speed_slope = args.momentum * speed_slope - args.rate * by_slope / count
        speed_offset = args.momentum * speed_offset - args.rate * by_offset / count
        slope, offset = slope + speed_slope, offset + speed_offset
        loss = squares / count
        if rank == 0 and (step + 1) % SHOWN == 0:
            print(f"loss={loss}", flush=True)


if __name__ == "__main__":
    main()
