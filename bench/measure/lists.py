"""The cost of a page of the list, by the number of jobs: first, deep, and with each filter."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bench import seed
from bench.contestants import OURS
from bench.load import requests, wrk
from bench.plan import Bench
from bench.progress import count_rounds, print_progress
from bench.report import Growth, Section, ratio
from bench.service import Running, prepare_database, serving
from dev.http import send_request

_PAGE_SIZE = 50
_DEEP_PAGE = 1000
_LIST = "/v3/Transcriptions"

# The milliseconds of each page in each round, for one number of jobs.
Costs = dict[str, list[float]]


def measure(bench: Bench) -> Section:
    """Read the same pages one by one, over one connection, for each number of jobs."""
    with ExitStack() as stack:
        services, targets = {}, {}
        for jobs in bench.plan.jobs:
            database = prepare_database(OURS, bench.server, name=f"{jobs} jobs")
            seed.fill_ours(database, jobs)
            services[jobs] = stack.enter_context(serving(OURS, database, bench.folder))
            targets[jobs] = _targets(services[jobs], jobs)
            print_progress(f" {jobs:,} jobs,")
        costs: dict[int, Costs] = {jobs: {} for jobs in bench.plan.jobs}
        for _ in count_rounds(bench.plan.repeats):
            for name in targets[bench.plan.jobs[0]]:
                for jobs, service in services.items():
                    cost = _cost(bench, service, targets[jobs][name])
                    costs[jobs].setdefault(name, []).append(cost)
    fewest, most = costs[bench.plan.jobs[0]], costs[bench.plan.jobs[-1]]
    sizes = f"{bench.plan.jobs[-1]:,} : {bench.plan.jobs[0]:,} jobs"

    return Section(
        title=f"A page of {_PAGE_SIZE} jobs",
        ratios=[ratio(f"{name}, {sizes}", most[name], fewest[name], at_most=1.3) for name in most],
        growths=[
            Growth(
                name="jobs",
                across="jobs",
                unit="ms for a page",
                lines={name: [(jobs, each[name]) for jobs, each in costs.items()] for name in most},
            )
        ],
        note=(
            f"Deep is page {_DEEP_PAGE:,}, reached by its token; of {bench.plan.jobs[0]:,} jobs "
            f"it's page {min(_DEEP_PAGE, bench.plan.jobs[0] // _PAGE_SIZE - 1):,}. "
            "Old is what only the older half of the jobs has."
        ),
    )


def _targets(service: Running, jobs: int) -> Mapping[str, str]:
    """Return the request target of each kind of page."""
    middle = datetime.now(UTC) - timedelta(seconds=30 * (jobs // 2))
    newest = send_request(
        "GET", f"http://127.0.0.1:{service.port}{_LIST}", auth=requests.API_KEY
    ).json()
    some = next(job for job in newest["transcriptions"] if job["conversationId"])
    filters = {
        "status COMPLETED": {"status": "COMPLETED"},
        "status FAILED": {"status": "FAILED"},
        "sourceId": {"sourceId": some["sourceId"]},
        "createdAfter": {"createdAfter": middle.isoformat()},
        "createdBefore": {"createdBefore": middle.isoformat()},
        "languageCode en-US": {"languageCode": "en-US"},
        "languageCode de-DE": {"languageCode": "de-DE"},
        "languageCode, old": {"languageCode": "it-IT"},
        "conversationId": {"conversationId": some["conversationId"]},
        "configuration": {"transcriptionConfigurationId": seed.configuration_id(0)},
        "configuration, old": {"transcriptionConfigurationId": seed.configuration_id(5)},
        "hasTranscript true": {"hasTranscript": "true"},
        "hasTranscript false": {"hasTranscript": "false"},
    }
    queries = {name: f"{_LIST}?{urlencode(query)}" for name, query in filters.items()}

    return {
        "first": _LIST,
        "deep": _deep(service, min(_DEEP_PAGE, jobs // _PAGE_SIZE - 1)),
        **queries,
    }


def _deep(service: Running, page: int) -> str:
    """Follow the tokens to a page, as a client does."""
    target = _LIST
    for _ in range(page - 1):
        answer = send_request(
            "GET", f"http://127.0.0.1:{service.port}{target}", auth=requests.API_KEY
        )
        target = f"{_LIST}?pageToken={answer.json()['meta']['nextToken']}"

    return target


def _cost(bench: Bench, service: Running, target: str) -> float:
    load = requests.write_gets(bench.folder / "page", [target])
    seconds = bench.plan.seconds / 5
    wrk.run(service.port, load, seconds=seconds / 4, connections=1, ending="cycle")
    run = wrk.run(service.port, load, seconds=seconds, connections=1, ending="cycle")

    return 1000 / run.rate
