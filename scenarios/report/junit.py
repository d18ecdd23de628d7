"""The verdict as JUnit XML, which every CI server reads: a suite per pack, a case per scenario."""

from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as Xml  # writing only: nothing from outside is parsed

from scenarios.runner.run import Result, Verdict


def write(verdict: Verdict, path: Path) -> None:
    """Write the report; the folder is made if it is not there."""
    root = Xml.Element("testsuites", name="payera scenarios", time=f"{verdict.took_s:.3f}")
    packs: dict[str, list[Result]] = defaultdict(list)
    for result in verdict.results:
        packs[result.scenario.pack].append(result)
    for pack, results in packs.items():
        suite = Xml.SubElement(
            root,
            "testsuite",
            name=pack,
            tests=str(len(results)),
            failures=str(sum(not result.passed for result in results)),
            time=f"{sum(result.took_s for result in results):.3f}",
        )
        properties = Xml.SubElement(suite, "properties")
        Xml.SubElement(properties, "property", name="seed", value=str(verdict.seed))
        for result in results:
            _case(suite, result)
    if verdict.overall:
        suite = Xml.SubElement(root, "testsuite", name="over the whole run", tests="1", failures="1")
        case = Xml.SubElement(suite, "testcase", classname="run", name="invariants over all merchants")
        _failed(case, [str(violation) for violation in verdict.overall])
    path.parent.mkdir(parents=True, exist_ok=True)
    Xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(suite: Xml.Element, result: Result) -> None:
    scenario = result.scenario
    case = Xml.SubElement(suite, "testcase", classname=scenario.pack, name=scenario.name, time=f"{result.took_s:.3f}")
    if not result.passed:
        _failed(case, [failure.shown(scenario) for failure in result.failures] + ["", *result.story])


def _failed(case: Xml.Element, text: list[str]) -> None:
    failure = Xml.SubElement(case, "failure", message=text[0])
    failure.text = "\n".join(text)
