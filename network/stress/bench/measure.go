package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Measure is one figure of a result.
type Measure struct {
	Key   string // in [Result.Values]
	Title string
	Unit  unit
}

type unit string

const (
	perSecond    unit = "tx/s"
	microseconds unit = "us"
	milliseconds unit = "ms"
	seconds      unit = "s"
	megabytes    unit = "MB"
	percent      unit = "%"
	count        unit = ""
	ratio        unit = "ratio"
)

// Keys of measures.
const (
	committed    = "committed"
	acknowledged = "acknowledged"
	ackRatio     = "acknowledgedPerCommitted"
	refused      = "refused"
	offered      = "offered"
	ackP50       = "ackP50"
	ackP99       = "ackP99"
	commitP50    = "commitP50"
	commitP99    = "commitP99"
	cpuOrderers  = "cpuOrderers"
	cpuBrokers   = "cpuBrokers"
	cpuGenerator = "cpuGenerator"
	replayed     = "replayed"
	startUp      = "startUp"
	idleCPU      = "idleCPU"
	memoryPeak   = "memoryPeak"
	memory       = "memory"
	memoryGrowth = "memoryGrowth"
	files        = "files"
	written      = "written"
	writtenRatio = "writtenPerBlocks"
)

// Measures are all measures in the order of the report. Those of stages follow from [Stages].
var Measures = append(append([]Measure{
	{committed, "committed", perSecond},
	{acknowledged, "acknowledged", perSecond},
	{ackRatio, "acknowledged / committed", ratio},
	{offered, "offered", perSecond},
	{refused, "refused", percent},
	{replayed, "replayed", perSecond},
	{startUp, "start to the first acknowledgement on every channel", seconds},
	{idleCPU, "CPU of orderers, of one core", percent},
	{ackP50, "acknowledged p50", milliseconds},
	{ackP99, "acknowledged p99", milliseconds},
	{commitP50, "committed p50", milliseconds},
	{commitP99, "committed p99", milliseconds},
	{cpuOrderers, "CPU of orderers a tx", microseconds},
}, stageMeasures()...), []Measure{
	{cpuBrokers, "CPU of brokers a tx", microseconds},
	{cpuGenerator, "CPU of generator a tx", microseconds},
	{memory, "memory of an orderer", megabytes},
	{memoryPeak, "peak memory of an orderer", megabytes},
	{memoryGrowth, "growth of memory under load", megabytes},
	{files, "open files of an orderer", count},
	{written, "written to disk by orderers", megabytes},
	{writtenRatio, "written / size of the blocks", ratio},
}...)

func stageMeasures() (all []Measure) {
	for _, s := range Stages {
		all = append(all, Measure{s.key(), "... of it " + string(s), microseconds})
	}
	return all
}

// text returns a value as the report shows it, without its unit.
func (u unit) text(v float64) string {
	switch {
	case u == perSecond || u == count:
		return thousands(v)
	case u == ratio || u == seconds || u == milliseconds && v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case u == milliseconds || u == percent || u == microseconds && v < 10 || u == megabytes && v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// thousands returns a whole number with commas.
func thousands(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	sign := ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func (m Measure) heading() string {
	if m.Unit == count || m.Unit == ratio {
		return m.Title
	}
	return fmt.Sprintf("%s, %s", m.Title, m.Unit)
}
