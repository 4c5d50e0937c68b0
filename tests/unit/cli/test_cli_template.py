"""Go templates: what text/template prints for the same input (checked with docker's CLI where it can be)."""

import pytest

from weft.cli.template.errors import TemplateError
from weft.cli.template.template import Template
from weft.cli.template.values import mark_free

DATA = mark_free(
    {
        "Id": "abc",
        "Name": "/web",
        "State": {"Running": True, "ExitCode": 0, "Pid": 12},
        "Config": {"Labels": {"a": "b"}, "Env": ["A=1", "B=2"]},
        "NetworkSettings": {
            "Networks": {"n2": {"IPAddress": "10.0.0.2"}, "n1": {"IPAddress": "10.0.0.1"}},
            "Ports": {"80/tcp": [{"HostPort": "8080"}], "81/tcp": None},
        },
        "Mounts": [],
    }
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{.Id}}{{.ID}}", "abcabc"),
        ("{{json .Config}}", '{"Labels":{"a":"b"},"Env":["A=1","B=2"]}'),
        ("{{range .Config.Env}}{{println .}}{{end}}", "A=1\nB=2\n"),
        ("{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}} {{end}}", "n1=10.0.0.1 n2=10.0.0.2 "),
        ("{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{$e}}{{end}}", "A=1,B=2"),
        ("{{range .Mounts}}x{{else}}none{{end}}", "none"),
        ("{{range .Config.Env}}{{if eq . `B=2`}}{{continue}}{{end}}{{.}}{{end}}", "A=1"),
        ("{{range .Config.Env}}{{.}}{{break}}{{end}}", "A=1"),
        ('{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"),
        ('{{index .Config.Labels "a"}}|{{index .Config.Labels "z"}}|', "b||"),
        ("{{.Config.Labels.nope}}", "<no value>"),
        ("{{if .State.Running}}yes{{else}}no{{end}}", "yes"),
        ("{{if not .State.Running}}a{{else if eq .State.Pid 12}}b{{else}}c{{end}}", "b"),
        ("{{with .State}}{{.Pid}}{{$.Id}}{{end}}", "12abc"),
        ("{{with .Nope2}}x{{end}}", TemplateError),
        ("{{if .State.Health}}{{.State.Health.Status}}{{else}}-{{end}}", "-"),
        ('{{printf "%-6s|%3d|%q|%v|%%" .Id .State.Pid .Id .State.Running}}', 'abc   | 12|"abc"|true|%'),
        ('{{.Name | printf "%s-%s" "x" | upper}}', "X-/WEB"),
        ('{{join .Config.Env ";"}}{{len .Config.Env}}', "A=1;B=22"),
        ('{{range split "a,b" ","}}<{{.}}>{{end}}', "<a><b>"),
        ("{{lower `AbC`}}{{title `a b`}}{{truncate .Id 2}}{{pad .Id 1 2}}|", "abcA Bab abc  |"),
        ("{{$x := .Id}}{{$x = .Name}}{{$x}}", "/web"),
        ("a {{- .Id -}} b", "aabcb"),
        ("{{/* note */}}x{{- /* y */ -}} z", "xz"),
        ("{{and .Id .Name}}{{or .Mounts .Id}}", "/webabc"),
        ("{{.State}}", "map[ExitCode:0 Pid:12 Running:true]"),
        ("{{.Config.Env}}", "[A=1 B=2]"),
        ("{{lt 1 2}}{{ge 2 2}}{{ne `a` `b`}}{{gt 1 2}}{{le 1 1}}", "truetruetruefalsetrue"),
        ("{{slice .Id 1}}{{slice .Id 0 1}}", "bca"),
        ('{{print 1 2 "a" 3}}', "1 2a3"),
        ("{{'a'}}{{0x10}}{{1.5}}", "97161.5"),
        ('{{`raw\\n`}}{{"esc\\t\\u00e9"}}', "raw\\nesc\té"),
        ("{{true}}{{len nil}}", "true0"),
    ],
)
def test_execution(source, expected):
    if expected is TemplateError:
        with pytest.raises(TemplateError):
            Template(source).execute(DATA)
    else:
        assert Template(source).execute(DATA) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{.Foo", "template: :1: unclosed action"),
        ("{{foo}}", 'template: :1: function "foo" not defined'),
        ("\n{{if .Id}}", "template: :2: unexpected EOF"),
        ("{{end}}", "template: :1: unexpected {{end}}"),
        ("{{if}}x{{end}}", "template: :1: missing value for command"),
        ("{{$x}}", 'template: :1: undefined variable "$x"'),
        ("{{range .X}}{{$y := 1}}{{end}}{{$y}}", 'template: :1: undefined variable "$y"'),
        ('{{"abc}}', "template: :1: unterminated quoted string"),
        ("{{break}}", "template: :1: {{break}} outside {{range}}"),
        ("{{template `x`}}", "template: :1: {{template}} is not supported: named templates are left out"),
        ("{{/* x }}", "template: :1: unclosed comment"),
    ],
)
def test_parse_errors(source, message):
    with pytest.raises(TemplateError) as raised:
        Template(source)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{.Foo}}", 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'),
        ("x\n {{.State.Nope}}", 'template: :2:9: executing "" at <.State.Nope>: map has no entry for key "Nope"'),
        (
            "{{index .Config.Env 5}}",
            'template: :1:2: executing "" at <index>: error calling index: index out of range: 5',
        ),
        ("{{join .Config.Env}}", 'template: :1:2: executing "" at <join>: wrong number of args for join: want 2 got 1'),
        ("{{.Id.Name}}", 'template: :1:5: executing "" at <.Id.Name>: can\'t evaluate field Name in type string'),
        ("{{eq 1 `a`}}", 'template: :1:2: executing "" at <eq>: error calling eq: incompatible types for comparison'),
    ],
)
def test_execution_errors(source, message):
    with pytest.raises(TemplateError) as raised:
        Template(source).execute(DATA)
    assert str(raised.value) == message
