"""All checks by name, in the order of their worth, and what they find together."""

from dataclasses import dataclass, replace

from reports.contract import ReportData
from reports.insights import bounds, failures, metric, noise, parameters, progress, running
from reports.insights.contract import Check, Insight, Severity
from reports.insights.facts import facts

CHECKS: tuple[Check, ...] = (
    Check(
        slug="best-at-bound",
        find=bounds.at_bound,
        meaning="the best trial and most good ones crowd at one end of a range, so better values may lie beyond it",
        rule=(
            "at least 20 results; the best is in the outer tenth of the range on its own scale, and the "
            "best fifth of all results crowds there (Fisher's exact test against the others, Holm over "
            "all bounds, p < 0.05; 0.03 for a search that learns, and the best fifth of each stretch of 20). Natural "
            "bounds (0, 1 as an upper bound, 1 as the lower bound of a whole number) and parameters with "
            "fewer than 5 values are left out"
        ),
    ),
    Check(
        slug="too-few-trials",
        find=progress.too_few_trials,
        meaning="fewer results than random search needs for one of the best tenth of all points",
        rule=(
            "the run is over with fewer than 29 results (0.9^29 < 0.05), the goal is not reached and "
            "less than 90 % of the space was tried"
        ),
    ),
    Check(
        slug="goal-out-of-reach",
        find=running.out_of_reach,
        meaning="the goal would not be reached with ten times as many trials",
        rule=(
            "30 results or more, no new best in the last third, and an exponential tail fitted to the "
            "best ten and made 1.4 times as long, expects less than 0.05 results beyond the goal "
            "among ten times as many"
        ),
    ),
    Check(
        slug="failure-rate",
        find=failures.rate,
        meaning="too many trials fail",
        rule="the lower end of Wilson's 95 % interval of the share is above 10 % (warning) or 25 % (error)",
    ),
    Check(
        slug="failing-values",
        find=failures.values,
        meaning="which values of a parameter make trials fail",
        rule=(
            "Fisher's exact test for each choice and each quarter of a range with 4 trials or more "
            "against all others, false discovery rate 5 % over all of them (Benjamini and Hochberg); the "
            "worst value of at most 3 parameters"
        ),
    ),
    Check(
        slug="best-stands-alone",
        find=noise.alone,
        meaning="the best is an outlier: luck, a leak, or a very narrow optimum",
        rule=(
            "20 results or more; the gap from the best to the second, or the lead over the 5 nearest "
            "points, is too large beside the gaps that follow (F test of normalised spacings, p < 0.025 "
            "each)"
        ),
    ),
    Check(
        slug="best-is-luck",
        find=noise.larger_than_gain,
        meaning="noise alone explains the lead of the best",
        rule=(
            "points that were tried more than once (6 degrees of freedom or more) give the noise; the "
            "best leads the median by no more than the best of so many equals would in every other search"
        ),
    ),
    Check(
        slug="train-validation-gap",
        find=metric.gap,
        meaning="the best trial is overfitted",
        rule=(
            "the metric has a counterpart in training (`val-loss` and `train-loss`); the gap of the best "
            "is more than 3.5 robust standard deviations above that of the top fifth (8 trials or more)"
        ),
    ),
    Check(
        slug="metric-missing",
        find=metric.missing,
        meaning="trials that did not report the objective, and further metrics that nobody has seen",
        rule="any trial (error if all)",
    ),
    Check(
        slug="metric-not-finite",
        find=metric.not_finite,
        meaning="NaN or infinite values of the objective",
        rule="any trial",
    ),
    Check(
        slug="metric-constant",
        find=metric.constant,
        meaning="the metric does not depend on the parameters",
        rule="5 different points or more, one value",
    ),
    Check(
        slug="metric-direction",
        find=metric.direction,
        meaning="an error is maximised or an accuracy minimised",
        rule="by the words in its name",
    ),
    Check(
        slug="early-stopping",
        find=running.stopped,
        meaning="stopped trials are better than those that went on, or nearly all were stopped",
        rule=(
            "`medianstop` or `percentile`, 20 trials or more: at least 3 and a fifth of the stopped "
            "trials were better, when stopped, than the median of those that ran to their end; or more "
            "than 80 % were stopped"
        ),
    ),
    Check(
        slug="results-drift",
        find=progress.drift,
        meaning="results change with time although points are chosen blindly",
        rule="`random` and `sobol`, 30 results or more: rank correlation with the order, p < 0.01",
    ),
    Check(
        slug="uncommitted",
        find=running.uncommitted,
        meaning="the run cannot be repeated by others",
        rule="the working tree was dirty",
    ),
    Check(
        slug="still-improving",
        find=progress.still_improving,
        meaning="the search ended while it still got better",
        rule="20 results or more, 2 new bests or more among the last fifth",
    ),
    Check(
        slug="no-gain",
        find=progress.no_gain,
        meaning="the last third of a search that learns brought no new best",
        rule=(
            "30 results or more, no new best in the last third although half of it came within 40 % of what "
            "was won since the first third"
        ),
    ),
    Check(
        slug="not-learning",
        find=progress.not_learning,
        meaning="a search that learns is no better at its end than at its start",
        rule="50 results or more; Mann and Whitney's test of the last fifth against the first, p ≥ 0.2",
    ),
    Check(
        slug="unimportant-parameter",
        find=parameters.unimportant,
        meaning="a parameter makes no difference by itself",
        rule=(
            "80 results or more; another parameter matters (p < 0.01), and this one's quarters or "
            "choices explain no more than chance does (Kruskal and Wallis, p > 0.7)"
        ),
    ),
    Check(
        slug="correlated-parameters",
        find=parameters.correlated,
        meaning="two parameters matter together",
        rule=(
            "80 results or more; their rank correlation in the best quarter is 0.3 or more and differs "
            "from that of the others (Holm over all pairs, p < 0.02); the best of each stretch of 20 "
            "where a search learns"
        ),
    ),
    Check(
        slug="log-scale",
        find=bounds.log_scale,
        meaning="a log scale would suit a range",
        rule=(
            "a range over two decades that is searched evenly; the best fifth crowds in its lowest tenth "
            "(Fisher, Holm, p < 0.05)"
        ),
    ),
    Check(
        slug="unexplored-choice",
        find=parameters.unexplored,
        meaning="a choice that was never tried",
        rule="5 results or more per choice, no trial with this one",
    ),
    Check(
        slug="duplicate-trials",
        find=noise.duplicates,
        meaning="trials repeat points",
        rule="20 trials or more, more than 5 % repeat an earlier point, results are not reused",
    ),
    Check(
        slug="budget-left",
        find=running.budget_left,
        meaning="trials of the budget that were not needed or never run",
        rule="the goal was reached in the first fifth, or the experiment failed",
    ),
    Check(
        slug="slots-idle",
        find=running.idle,
        meaning="slots were idle",
        rule="4 trials or more per slot, 5 seconds or more on average; less than half of `parallelTrialCount` was used",
    ),
    Check(
        slug="slow-trials",
        find=running.slow,
        meaning="single trials took far longer than all others",
        rule=(
            "20 trials or more; the logarithm of the duration is above the third quartile by 3 "
            "interquartile ranges in a tenth of them or less"
        ),
    ),
)

_WORST_FIRST = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What the checks say: findings, worst first; how many could tell, and which lacked the data."""

    insights: tuple[Insight, ...]
    asked: int
    unasked: tuple[str, ...]


def examine(data: ReportData) -> Examination:
    """Ask every check."""
    known = facts(data)
    insights: list[Insight] = []
    unasked: list[str] = []
    for check in CHECKS:
        found = check.find(known)
        if found is None:
            unasked.append(check.slug)
        insights += [replace(one, slug=check.slug) for one in found or ()]
    return Examination(
        insights=tuple(sorted(insights, key=lambda one: _WORST_FIRST.index(one.severity))),
        asked=len(CHECKS) - len(unasked),
        unasked=tuple(unasked),
    )
