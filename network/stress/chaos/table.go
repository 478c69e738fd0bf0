package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// String returns the sum as a table.
func (s *Sum) String() string {
	var b strings.Builder
	for _, l := range s.Lines {
		l.print(&b)
	}
	if !s.Sound() {
		fmt.Fprintln(&b, "FAILED: parts broke promises, see above")
	}
	return b.String()
}

func (l *Line) print(b *strings.Builder) {
	fmt.Fprintf(b, "%s, %s; seed %d, %s\n", l.Settings.Brokers, l.Settings.Orderers, l.Settings.Seed, l.Settings.Load)
	fmt.Fprintf(b, "  %d parts, %v; submitted %d, acknowledged %d, refused %d, unknown %d; %d blocks\n",
		l.Parts, seconds(l.Seconds).Round(time.Second), l.Submitted, l.Acknowledged, l.Refused, l.Unknown, l.Height)
	fmt.Fprintf(b, "  longest time without an acknowledgement: %v for all clients, %v for one that fails over (%s)\n",
		seconds(l.Gap.Seconds), seconds(l.OneGap.Seconds), l.OneGap.At.Format(time.RFC3339))
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, kind := range slices.Sorted(maps.Keys(l.After)) {
		f := l.After[kind]
		fmt.Fprintf(w, "    %s\t%d times\t%v for one that fails over\t%s\n", kind, f.Times, seconds(f.Longest.Seconds), l.against(kind, f))
	}
	_ = w.Flush() // into memory
	for _, f := range l.Failed {
		for _, text := range f.Broken {
			fmt.Fprintf(b, "  BROKEN in part %d of %s: %s\n", f.Part, f.Began.Format(time.RFC3339), text)
		}
	}
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

// against returns how much of a wait Kafka's settings explain.
func (l *Line) against(kind string, f Faulted) string {
	d, ok := expected(kind)
	if !ok || !l.Settings.ofApache() {
		return ""
	}
	return fmt.Sprintf("up to %v of it by Kafka's settings", d)
}
