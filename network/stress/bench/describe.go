package bench

import (
	"fmt"
	"slices"
	"strings"
)

// describe returns what the case is, in a sentence or two.
func (c Case) describe() string {
	brokers := "the embedded broker"
	if c.Apache {
		brokers = fmt.Sprintf("Apache Kafka, %s", number(c.Orderers, "broker"))
	}
	text := fmt.Sprintf("%s; %s; up to %d envelopes a block.", number(c.Orderers, "orderer"), brokers, c.Block)
	if c.Pinned {
		text += " The orderer has a core to itself; brokers and generator share another."
	}
	return text + " " + c.load()
}

func (c Case) load() string {
	switch c.Kind {
	case Closed:
		return "As fast as the streams go, each waiting for its answer."
	case Rate:
		return fmt.Sprintf("%d envelopes a second; latencies count from when an envelope was due.", c.Rate)
	case Overload:
		return "1.2 times the rate that the side committed in a closed loop just before, on 1,024 streams; latencies count from when an envelope was due."
	case Policies:
		return fmt.Sprintf("A closed loop, with Fabric's default policies: Writers is ANY of those of the orderer organization and of %d peer organizations, "+
			"in an order that changes with each start.", c.Orgs)
	case Delay:
		return fmt.Sprintf("A closed loop, with %d ms there and back between orderer and brokers.", c.Delay)
	case Replay:
		return fmt.Sprintf("An orderer whose ledger is empty reads %s records.", thousands(float64(c.wholeBlocks())))
	case StartUp:
		return fmt.Sprintf("An orderer that has the blocks of all %s records is stopped and started.", thousands(float64(c.wholeBlocks())))
	}
	return fmt.Sprintf("%s without transactions; then the orderer is stopped and started.", number(c.Channels, "channel"))
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(float64(n)) + " " + what + "s"
}

// describe writes what the measures mean, the machine and all settings.
func (r Run) describe(b *strings.Builder) {
	s := r.Settings
	b.WriteString("## The measures\n\n")
	b.WriteString("- Committed: acknowledged envelopes a second until the last block was delivered. Acknowledged: the same, until the last answer.\n" +
		"- CPU a tx: user and system time of all processes of the kind, by the kernel. Of raw sarama and the ledger alone: of the bench itself.\n" +
		"- Stages: the shares of a CPU profile of the first orderer, times that CPU. Both directions of gRPC count as ingress; garbage\n  collection, scheduling and the delivery of blocks as other.\n" +
		"- Replay: from the first look at the running orderer to its last block; what it wrote before is not counted.\n" +
		"- Written to disk: as the kernel counts it for the process; the blocks are those of all orderers.\n" +
		"- Growth of memory under load: resident memory at the end less that at the beginning, of the largest orderer.\n\n")
	b.WriteString("## The machine and the settings\n\n")
	rows := machineRows("at the start", s.Machine)
	if r.End != nil {
		rows = append(rows, machineRows("at the end", *r.End)[3:]...)
	}
	rows = append(rows,
		[]string{"load averages after each step", r.loads()},
		[]string{"commit", s.Commit}, []string{"Go of the generator", s.Go},
		[]string{"GOGC of orderers and generator", fmt.Sprint(s.GOGC)}, []string{"rounds", fmt.Sprint(s.Rounds)},
		[]string{"seconds of a load", fmt.Sprint(s.Seconds)}, []string{"bytes of an envelope", thousands(float64(s.Size))},
		[]string{"streams", fmt.Sprint(s.Streams)}, []string{"batch timeout", s.Timeout}, []string{"preferred bytes of a block", "2 MB"},
		[]string{"Apache Kafka", s.Kafka}, []string{"pinned cases", s.Cores}, []string{"cases", strings.Join(s.Cases, ", ")})
	for _, side := range s.Sides {
		if v := s.Versions[side.Name]; v != "" {
			rows = append(rows, []string{fmt.Sprintf("%s (%s)", side.Name, side.Kind), oneLine(v)})
		}
	}
	table(b, []string{"", ""}, rows)
}

func machineRows(when string, m Machine) [][]string {
	percentiles := func(p []float64) string {
		if len(p) != 2 {
			return "unknown"
		}
		return fmt.Sprintf("p50 %.2f ms; p99 %.2f ms", p[0], p[1])
	}
	return [][]string{
		{"cores", fmt.Sprintf("%d, %s", m.Cores, m.CPU)},
		{"memory", thousands(m.Memory/megabyte) + " MB"},
		{"kernel", m.Kernel},
		{"time " + when, m.Time.Format("2006-01-02 15:04 MST")},
		{"load averages " + when, m.Load},
		{"writing 4 KB to the disk " + when, percentiles(m.Fsync)},
		{"writing 1 MB to the page cache " + when, percentiles(m.Cached)},
	}
}

// loads returns the smallest and the largest load average of one minute.
func (r Run) loads() string {
	var all []string
	for _, x := range r.Results {
		first, _, _ := strings.Cut(x.Load, " ")
		all = append(all, first)
	}
	if len(all) == 0 {
		return "none"
	}
	slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b) })
	return fmt.Sprintf("%s to %s", all[0], all[len(all)-1])
}
