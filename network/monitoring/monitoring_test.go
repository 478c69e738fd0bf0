// Package monitoring_test compares the dashboard and the alert rules with the
// metrics that an orderer registers.
package monitoring_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/metrics"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/consenter"
)

// catalog has the labels of every metric, by the names that Prometheus gives
// its series.
type catalog map[string][]string

func (c catalog) add(namespace, subsystem, name string, labels []string) {
	c[strings.Join([]string{namespace, subsystem, name}, "_")] = slices.Concat(labels, []string{"instance", "job"})
}

func (c catalog) NewCounter(o metrics.CounterOpts) metrics.Counter {
	c.add(o.Namespace, o.Subsystem, o.Name, o.LabelNames)
	return (&disabled.Provider{}).NewCounter(o)
}

func (c catalog) NewGauge(o metrics.GaugeOpts) metrics.Gauge {
	c.add(o.Namespace, o.Subsystem, o.Name, o.LabelNames)
	return (&disabled.Provider{}).NewGauge(o)
}

func (c catalog) NewHistogram(o metrics.HistogramOpts) metrics.Histogram {
	c.add(o.Namespace, o.Subsystem, o.Name+"_count", o.LabelNames)
	c.add(o.Namespace, o.Subsystem, o.Name+"_sum", o.LabelNames)
	c.add(o.Namespace, o.Subsystem, o.Name+"_bucket", append(slices.Clone(o.LabelNames), "le"))
	return (&disabled.Provider{}).NewHistogram(o)
}

func registered(t *testing.T) catalog {
	t.Helper()
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		t.Fatal(err)
	}
	c := catalog{}
	if _, err := consenter.New(consenter.Host{Metrics: c, Crypto: crypto}); err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	ours     = regexp.MustCompile(`consensus_kafka_[a-z_]+`)
	selector = regexp.MustCompile(`(consensus_kafka_[a-z_]+)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(?:by|on|without|ignoring) \(([^)]*)\)`)
	shown    = regexp.MustCompile(`\{\{ ?(?:\$labels\.)?([a-z_]+) ?\}\}`)
	values   = regexp.MustCompile(`label_values\((\w+), (\w+)\)`)
)

// check looks at one expression, and at the text next to it that shows labels. It
// returns the metrics that are in the expression.
func (c catalog) check(t *testing.T, expr, text string) []string {
	t.Helper()
	found := ours.FindAllString(expr, -1)
	if len(found) == 0 {
		t.Errorf("no metric of ours in %q", expr)
		return nil
	}
	var known []string // labels of any of them
	for _, name := range found {
		if c[name] == nil {
			t.Errorf("%s in %q is not registered", name, expr)
		}
		known = append(known, c[name]...)
	}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(c[s[1]], m[1]) {
				t.Errorf("%s has no label %s: %q", s[1], m[1], expr)
			}
			checkValues(t, m[1], m[2])
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(g[1], ", ") {
			if !slices.Contains(known, label) {
				t.Errorf("nothing in %q has the label %s", expr, label)
			}
		}
	}
	left := remaining(expr, known)
	for _, s := range shown.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(left, s[1]) {
			t.Errorf("%q shows the label %s, which %q does not have", text, s[1], expr)
		}
	}
	return found
}

// remaining are the labels that an expression leaves: all, or those of its first
// grouping, which is the outermost one in what we write.
func remaining(expr string, known []string) []string {
	g := regexp.MustCompile(`\bby \(([^)]*)\)`).FindStringSubmatch(expr)
	if g == nil {
		return known
	}
	return strings.Split(g[1], ", ")
}

// checkValues looks up the values that a fixed label is compared with.
func checkValues(t *testing.T, label, pattern string) {
	t.Helper()
	if strings.Contains(pattern, "$") {
		return
	}
	table, err := os.ReadFile("../../consenter/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	for value := range strings.SplitSeq(pattern, "|") {
		if !strings.Contains(string(table), "`"+value+"`") {
			t.Errorf("label %s never has the value %q", label, value)
		}
	}
}

type panel struct {
	Title   string
	Type    string
	Targets []struct{ Expr, LegendFormat string }
}

type dashboard struct {
	Panels     []panel
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	c := registered(t)
	var used []string
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			used = append(used, c.check(t, target.Expr, target.LegendFormat)...)
		}
	}
	for name := range c {
		if base := strings.TrimSuffix(name, "_sum"); base == name && !slices.Contains(used, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		q := values.FindStringSubmatch(v.Definition)
		if q == nil || !slices.Contains(c[q[1]], q[2]) {
			t.Errorf("variable %s: %q", v.Name, v.Definition)
		}
	}
}

type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For string
			Labels           struct{ Severity string }
			Annotations      struct{ Summary, Description string }
		}
	}
}

func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r rules
	if err := yaml.UnmarshalStrict(text, &r); err != nil {
		t.Fatal(err)
	}
	c, seen := registered(t), map[string]bool{}
	for _, g := range r.Groups {
		for _, rule := range g.Rules {
			if seen[rule.Alert] {
				t.Errorf("%s is there twice", rule.Alert)
			}
			seen[rule.Alert] = true
			if !slices.Contains([]string{"warning", "critical"}, rule.Labels.Severity) || rule.Annotations.Summary == "" || rule.Annotations.Description == "" {
				t.Errorf("%s lacks a severity, a summary or a description", rule.Alert)
			}
			c.check(t, rule.Expr, strings.ReplaceAll(fmt.Sprint(rule.Annotations), "{{ $value }}", ""))
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d alerts", len(seen))
	}
}

// The checks above find what they are meant to find.
func TestFaultsAreFound(t *testing.T) {
	c := registered(t)
	for _, bad := range []struct{ expr, text string }{
		{"up == 0", ""},
		{"consensus_kafka_laag > 0", ""},
		{`consensus_kafka_lag{cause="count"} > 0`, ""},
		{`consensus_kafka_blocks_cut{cause="boredom"} > 0`, ""},
		{"sum by (reason) (consensus_kafka_lag)", ""},
		{"sum by (channel) (consensus_kafka_lag)", "{{ $labels.instance }}"},
		{"consensus_kafka_lag > 0", "{{reason}}"},
		{"rate(consensus_kafka_append_duration[1m])", ""},
	} {
		fake := &testing.T{}
		if c.check(fake, bad.expr, bad.text); !fake.Failed() {
			t.Errorf("nothing was said of %q, %q", bad.expr, bad.text)
		}
	}
}
