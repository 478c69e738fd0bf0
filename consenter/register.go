package consenter

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Kinds of metrics with further labels. A call returns the one with these values, in the
// order of the tag labels.
type (
	gauges     func(values ...string) fabric.Gauge
	counters   func(values ...string) fabric.Counter
	histograms func(values ...string) fabric.Histogram
)

// The namespace and subsystem of all metrics.
const (
	namespace = "consensus"
	subsystem = "kafka"
)

// registered is a metric that a provider has accepted.
type registered struct {
	metric any // a fabric.Gauge, fabric.Counter or fabric.Histogram
	labels []string
}

// register registers the metrics of a list, which points to a struct such as [channelMetrics].
// All of them have the common labels first. It returns them in the order of the fields.
func register(p fabric.MetricsProvider, list any, common ...string) (all []registered) {
	fields := reflect.ValueOf(list).Elem()
	for i := range fields.NumField() {
		tag := fields.Type().Field(i).Tag
		labels := slices.Clone(common)
		if more := tag.Get("labels"); more != "" {
			labels = append(labels, strings.Split(more, ",")...)
		}
		metric := newMetric(p, fields.Field(i).Addr().Interface(), tag.Get("metric"), tag.Get("help"), labels)
		all = append(all, registered{metric, labels})
	}
	return all
}

// newMetric registers a metric of the kind that a field of the list has.
func newMetric(p fabric.MetricsProvider, field any, name, help string, labels []string) any {
	statsd := "%{#fqname}"
	for _, label := range labels {
		statsd += ".%{" + label + "}"
	}
	switch field.(type) {
	case *fabric.Gauge, *gauges:
		return p.NewGauge(fabric.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, LabelNames: labels, StatsdFormat: statsd})
	case *fabric.Counter, *counters:
		return p.NewCounter(fabric.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, LabelNames: labels, StatsdFormat: statsd})
	case *histograms:
		return p.NewHistogram(fabric.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, LabelNames: labels, StatsdFormat: statsd})
	}
	panic(fmt.Sprintf("metric %s is of an unknown kind: %T", name, field))
}

// bind sets the fields of a list to registered metrics with these values of the common labels.
func bind(list any, all []registered, common ...string) {
	fields := reflect.ValueOf(list).Elem()
	for i, r := range all {
		r.bind(fields.Field(i).Addr().Interface(), common)
	}
}

// bind sets one field. Providers want all labels in one call of With, if there are any.
func (r registered) bind(field any, common []string) {
	switch f := field.(type) {
	case *fabric.Gauge:
		if *f = r.metric.(fabric.Gauge); len(r.labels) > 0 {
			*f = (*f).With(r.pairs(common, nil)...)
		}
	case *fabric.Counter:
		*f = r.metric.(fabric.Counter).With(r.pairs(common, nil)...)
	case *gauges:
		*f = func(values ...string) fabric.Gauge { return r.metric.(fabric.Gauge).With(r.pairs(common, values)...) }
	case *counters:
		*f = func(values ...string) fabric.Counter {
			return r.metric.(fabric.Counter).With(r.pairs(common, values)...)
		}
	case *histograms:
		*f = func(values ...string) fabric.Histogram {
			return r.metric.(fabric.Histogram).With(r.pairs(common, values)...)
		}
	}
}

// pairs returns labels and values alternately.
func (r registered) pairs(common, values []string) (all []string) {
	for i, value := range slices.Concat(common, values) {
		all = append(all, r.labels[i], value)
	}
	return all
}
