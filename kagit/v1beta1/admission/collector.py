"""Rules on the metrics collector of an Experiment."""

from kagit import filters
from kagit.v1beta1.admission.cel import Rule, listed, quoted, short, those, value
from kagit.v1beta1.fields_common import COLLECTORS

_AT = "spec.metricsCollectorSpec"
_SOURCE = ".source"
_FILE = f"{_SOURCE}.fileSystemPath"
_GET = f"{_SOURCE}.httpGet"
_KIND = value("collector.kind")
_PATH = value("source.fileSystemPath.path")
_FILE_KIND = value("source.fileSystemPath.kind")
_FORMAT = value("source.fileSystemPath.format")
_CUSTOM_CONTAINER = "collector.customCollector"
_HTTP_PATH = value("source.httpGet.path")
_HOST_NAME = value("source.httpGet.host")
_SCHEME = value("source.httpGet.scheme")
_HAS_PORT = "has(self.source) && has(self.source.httpGet) && has(self.source.httpGet.port)"
_PORT = "string(self.source.httpGet.port)"
_IS_TEXT = "type(self.source.httpGet.port) == string"
_TEXT, _QUOTE = quoted("the text '"), quoted("'")
_OLD_WORD = "None"
_ENDS = r"[\x00\n]"
_HOST = r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[\[]?[0-9A-Fa-f:.]{2,45}[\]]?)$"


def _of(kind: str, holds: str) -> str:
    return f"{_KIND} != '{kind}' || {holds}"


def _paths(kind: str, field: str) -> tuple[Rule, ...]:
    """Rules on a path inside a container; one that is left out has a default, but not for Custom."""
    given = "has(self.source) && has(self.source.fileSystemPath)" if kind == "Custom" else f"{_PATH} != ''"
    return (
        Rule(
            at=_AT,
            slug="collector-path",
            rule=_of(kind, f"!({given}) || {_PATH}.startsWith('/')"),
            says="path is '%s'; give an absolute one, which starts with /",
            of=(short(_PATH),),
            field=field,
        ),
        Rule(
            at=_AT,
            slug="collector-path",
            rule=_of(kind, f"!{_PATH}.startsWith('/') || !{_PATH}.matches({quoted('(^|/)[.][.](/|$)')})"),
            says="path is '%s'; write it without '..'",
            of=(short(_PATH),),
            field=field,
        ),
        Rule(
            at=_AT,
            slug="collector-path",
            rule=_of(kind, f"!{_PATH}.matches({quoted(_ENDS)})"),
            says="path '%s' has a NUL or a line end; remove it",
            of=(short(_PATH),),
            field=field,
        ),
        Rule(
            at=_AT,
            slug="collector-path",
            rule=_of(kind, f"!{_PATH}.matches({quoted('^/[./]*$')}) || {_PATH}.matches({quoted('[.][.]')})"),
            says="path is the root of the container; give a folder below it",
            field=field,
        ),
    )


_FILES = (
    Rule(
        at=_AT,
        slug="collector-path",
        rule=_of("File", f"{_FILE_KIND} in {listed(['', 'File'])}"),
        says="a File collector reads kind File, not %s; give File, or leave kind out",
        of=(short(_FILE_KIND),),
        field=f"{_FILE}.path",
    ),
    *_paths("File", f"{_FILE}.path"),
    Rule(
        at=_AT,
        slug="collector-path",
        rule=_of("File", f"!{_PATH}.matches({quoted('^/.*[^/.].*/$')})"),
        says="path '%s' names a folder; give the file in it",
        of=(short(_PATH),),
        field=f"{_FILE}.path",
    ),
    Rule(
        at=_AT,
        slug="collector-format",
        rule=_of("File", f"{_FORMAT} in {listed(['', 'TEXT', 'JSON'])}"),
        says="format is '%s'; known are TEXT, JSON",
        of=(short(_FORMAT),),
        field=f"{_FILE}.format",
    ),
    Rule(
        at=_AT,
        slug="filter-on-json",
        rule=_of("File", f"{_FORMAT} != 'JSON' || !has(self.source.filter)"),
        says="a filter has no meaning for format JSON; remove filter",
        field=f"{_SOURCE}.filter",
    ),
    Rule(
        at=_AT,
        slug="collector-path",
        rule=_of("TensorFlowEvent", f"{_FILE_KIND} in {listed(['', 'Directory'])}"),
        says="a TensorFlowEvent collector reads kind Directory, not %s; give Directory, or leave it out",
        of=(short(_FILE_KIND),),
        field=_SOURCE,
    ),
    *_paths("TensorFlowEvent", _SOURCE),
    Rule(
        at=_AT,
        slug="collector-format",
        rule=_of("TensorFlowEvent", f"{_FORMAT} == ''"),
        says="TensorFlow event files have one format; remove format",
        field=f"{_FILE}.format",
    ),
)
_PROMETHEUS = (
    Rule(
        at=_AT,
        slug="collector-port",
        rule=_of(
            "PrometheusMetric",
            f"!({_HAS_PORT}) || {_PORT} == '' || {_PORT}.matches({quoted('^[0-9]{1,5}$')}) && int({_PORT}) < 65536",
        ),
        says="port is %s%s%s; give a number from 1 to 65535",
        of=(f"({_IS_TEXT} ? {_TEXT} : 'the number ')", _PORT, f"({_IS_TEXT} ? {_QUOTE} : '')"),
        field=f"{_GET}.port",
    ),
    Rule(
        at=_AT,
        slug="collector-path",
        rule=_of("PrometheusMetric", f"{_HTTP_PATH} == '' || {_HTTP_PATH}.matches({quoted('^/[^[:space:]]*$')})"),
        says="path is '%s'; start it with /, and have no blanks in it",
        of=(short(_HTTP_PATH),),
        field=f"{_GET}.path",
    ),
    Rule(
        at=_AT,
        slug="collector-host",
        rule=_of("PrometheusMetric", f"{_HOST_NAME} == '' || {_HOST_NAME}.matches({quoted(_HOST)})"),
        says="host is '%s'; give a name or address alone, without scheme, port and path",
        of=(short(_HOST_NAME),),
        field=f"{_GET}.host",
    ),
    Rule(
        at=_AT,
        slug="collector-scheme",
        rule=_of("PrometheusMetric", f"{_SCHEME} in {listed(['', 'HTTP', 'HTTPS'])}"),
        says="scheme is '%s'; known are HTTP, HTTPS",
        of=(short(_SCHEME),),
        field=f"{_GET}.scheme",
    ),
)
_HEADERS = "self.source.httpGet.httpHeaders"
_BAD_HEADER = f"!{value('name', of='h')}.matches('^[-A-Za-z0-9]+$')"
_HEADER = Rule(
    at=_AT,
    slug="collector-header",
    rule=_of(
        "PrometheusMetric",
        f"!(has(self.source) && has(self.source.httpGet) && has({_HEADERS})) || !{_HEADERS}.exists(h, {_BAD_HEADER})",
    ),
    says="header name is '%s'; give letters, digits and '-'",
    of=(f"{_HEADERS}.filter(h, {_BAD_HEADER}).map(h, {value('name', of='h')})[0]",),
    field=f"{_GET}.httpHeaders",
)
_NO_NAME = f"{value(f'{_CUSTOM_CONTAINER}.name')} == ''"
_NO_IMAGE = f"{value(f'{_CUSTOM_CONTAINER}.image')} == ''"
_CUSTOM = (
    Rule(
        at=_AT,
        slug="collector-container-missing",
        rule=_of("Custom", "has(self.collector.customCollector)"),
        says="a Custom collector needs a container; give customCollector with name and image",
        field=".collector.customCollector",
    ),
    Rule(
        at=_AT,
        slug="collector-container-missing",
        rule=_of("Custom", f"!has(self.collector.customCollector) || !({_NO_NAME} || {_NO_IMAGE})"),
        says="customCollector has no %s%s; give a container with both, as in a Pod",
        of=those(" and no ", {"name": _NO_NAME, "image": _NO_IMAGE}),
        field=".collector.customCollector",
    ),
    Rule(
        at=_AT,
        slug="collector-path",
        rule=_of(
            "Custom",
            f"!has(self.source) || !has(self.source.fileSystemPath) || {_FILE_KIND} in {listed(['File', 'Directory'])}",
        ),
        says="kind of fileSystemPath is '%s'; give File or Directory",
        of=(short(_FILE_KIND),),
        field=_FILE,
    ),
    *_paths("Custom", _FILE),
)

_METRIC = value("objective.objectiveMetricName")
_AT_SPEC = {name: value(f"metricsCollectorSpec.{path}") for name, path in (
    ("kind", "collector.kind"), ("format", "source.fileSystemPath.format")
)}  # fmt: skip
_OWN_FILTER = "has(self.metricsCollectorSpec.source.filter.metricsFormat)"
_HAS_FILTER = (
    "has(self.metricsCollectorSpec) && has(self.metricsCollectorSpec.source)"
    f" && has(self.metricsCollectorSpec.source.filter) && {_OWN_FILTER}"
    f" && self.metricsCollectorSpec.source.filter.metricsFormat.exists(f, f != {quoted(filters.DEFAULT)})"
)
_FOUND = Rule(
    at="spec",
    slug="metric-not-found",
    rule=f"{_METRIC} == '' || {_METRIC}.matches({quoted('^[a-zA-Z0-9_|-]+$')}) || ({_HAS_FILTER})"
    f" || !({_AT_SPEC['kind']} in {listed(['', 'StdOut'])}"
    f" || {_AT_SPEC['kind']} == 'File' && {_AT_SPEC['format']} in {listed(['', 'TEXT'])})",
    says="metric '%s' is never found: the default filter knows letters, digits, '_', '-' and '|';"
    " rename it, or give a metricsFormat with two groups that finds it",
    of=(short(_METRIC),),
    field=".objective.objectiveMetricName",
)

RULES = (
    _FOUND,
    Rule(
        at=_AT,
        slug="collector-unknown",
        rule=f"{_KIND} in {listed([*COLLECTORS, _OLD_WORD])}"
        f" || {_KIND} == '' && !(has(self.collector) && has(self.collector.customCollector))",
        says=f"collector kind is '%s'; known are {', '.join(COLLECTORS)}",
        of=(short(_KIND),),
        field=".collector.kind",
    ),
    *_FILES,
    *_PROMETHEUS,
    _HEADER,
    *_CUSTOM,
    Rule(
        at=f"{_AT}.source.filter.metricsFormat[]",
        slug="filter-invalid",
        # A pattern that does not compile is an error of the rule, and by that a refusal with these words.
        rule="''.matches(self) || !''.matches(self)",
        says="filter '%s' is not a regular expression; correct it",
        of=(short("self"),),
    ),
    Rule(
        at=f"{_AT}.source.filter.metricsFormat[]",
        slug="filter-invalid",
        rule=f"self.matches({quoted('[(].*[)].*[(].*[)]')})",
        says="filter '%s' has no two groups; put the metric's name and its value in parentheses, in this order",
        of=(short("self"),),
    ),
)
