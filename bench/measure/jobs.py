"""The rate at which a job is read by its id, and an unchanged transcript by its ETag."""

import random
from contextlib import ExitStack

from bench import seed
from bench.contestants import OURS, TUTORIAL_SYNC, TUTORIAL_THREADS
from bench.cpu import Meter
from bench.load import callbacks, requests, wrk
from bench.plan import BODY_BYTES, CONNECTIONS, Bench
from bench.progress import count_rounds
from bench.report import Figure, Section, faster, ratio
from bench.service import Running, prepare_database, serving
from dev.http import send_request

_JOBS = 10_000


def measure(bench: Bench) -> Section:
    """Read 10,000 jobs in random order, ours and the tutorial's, and one transcript."""
    rates: dict[str, list[float]] = {}
    web: dict[str, list[float]] = {}
    with ExitStack() as stack:
        services = []
        for contestant in (OURS, TUTORIAL_SYNC, TUTORIAL_THREADS):
            database = prepare_database(contestant, bench.server, name=f"jobs, {contestant.name}")
            (seed.fill_ours if contestant is OURS else seed.fill_tutorial)(database, _JOBS)
            services.append(stack.enter_context(serving(contestant, database, bench.folder)))
        loads = _transcripts(bench, services[0])
        jobs = _jobs(bench)
        for _ in count_rounds(bench.plan.repeats):
            turns = [(service.contestant.name, service, jobs) for service in services]
            turns += [(name, services[0], load) for name, load in loads.items()]
            for name, service, load in turns:
                rate, cost = _measure_load(bench, service, load)
                rates.setdefault(name, []).append(rate)
                web.setdefault(name, []).append(cost)
    tutorial = faster(rates, TUTORIAL_SYNC.name, TUTORIAL_THREADS.name)

    return Section(
        title=f"Reading one job of {_JOBS:,}, and a transcript, {CONNECTIONS} connections",
        ratios=[
            ratio(f"ours : {tutorial}", rates[OURS.name], rates[tutorial], at_least=2),
            ratio("transcript, 304 : 200", rates["transcript, 304"], rates["transcript, 200"]),
            ratio(f"web CPU, ours : {tutorial}", web[OURS.name], web[tutorial]),
        ],
        figures=[
            *(Figure(name=name, unit="1/s", rounds=each) for name, each in rates.items()),
            *(
                Figure(name=f"web CPU, {name}", unit="ms", rounds=each)
                for name, each in web.items()
            ),
        ],
        note="Ours checks an API key and enforces a deadline; the tutorial's answers anybody.",
    )


def _jobs(bench: Bench) -> requests.Load:
    numbers = list(range(1, _JOBS + 1))
    random.Random(1).shuffle(numbers)  # noqa: S311 - not for secrets

    return requests.write_gets(
        bench.folder / "jobs", [f"/v3/Transcriptions/{seed.job_id(number)}" for number in numbers]
    )


def _transcripts(bench: Bench, ours: Running) -> dict[str, requests.Load]:
    """Deliver one callback; return the loads for its transcript, without and with its ETag."""
    body = callbacks.callback(1, BODY_BYTES, chance=random.Random(1))  # noqa: S311 - not for secrets
    url, headers = callbacks.signed(body)
    origin = f"http://127.0.0.1:{ours.port}"
    send_request("POST", origin + url, data=body, headers=headers)
    target = f"/v3/Transcriptions/{callbacks.job_id(1)}/Transcript"
    tag = send_request("GET", origin + target, auth=requests.API_KEY).headers["ETag"]
    known = {"If-None-Match": tag}
    answer = send_request("GET", origin + target, auth=requests.API_KEY, headers=known)
    if answer.status_code != 304:  # noqa: PLR2004 - the HTTP status
        raise wrk.SpoiledRunError(f"an unchanged transcript was answered {answer.status_code}")

    return {
        "transcript, 200": _gets(bench, "200", target),
        "transcript, 304": _gets(bench, "304", target, f"If-None-Match: {tag}"),
    }


def _gets(bench: Bench, name: str, target: str, *headers: str) -> requests.Load:
    return requests.write_gets(bench.folder / name, [target], headers)


def _measure_load(bench: Bench, service: Running, load: requests.Load) -> tuple[float, float]:
    """Return the responses per second, and the CPU milliseconds of one response."""

    def burst(seconds: float) -> wrk.Run:
        return wrk.run(service.port, load, seconds=seconds, connections=CONNECTIONS, ending="cycle")

    burst(bench.plan.warm_up)
    meter = Meter(service)
    run = burst(bench.plan.seconds)

    return run.rate, 1000 * meter.spent().web / run.answered
