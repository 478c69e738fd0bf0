package load

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Result is the result of a run.
type Result struct {
	Sent         int            `json:"sent"`
	Acknowledged int            `json:"acknowledged"`
	Refused      int            `json:"refused"`
	Unknown      int            `json:"unknown"` // the stream broke before the answer
	Reasons      map[string]int `json:"reasons"` // answers other than SUCCESS
	Orderers     []OnOrderer    `json:"orderers"`

	Missing    int `json:"missing"`    // acknowledged, but not in the blocks of every followed orderer
	Duplicated int `json:"duplicated"` // in the blocks of an orderer more than once

	Seconds     float64 `json:"seconds"`     // from the first envelope to the last block
	CommittedTx float64 `json:"committedTx"` // acknowledged envelopes a second, over these seconds

	AcknowledgedTx float64 `json:"acknowledgedTx"` // acknowledged envelopes a second, up to the last acknowledgement

	// Durations; nanoseconds in JSON.
	AckP50    time.Duration `json:"ackP50"` // from sending to the answer SUCCESS
	AckP99    time.Duration `json:"ackP99"`
	CommitP50 time.Duration `json:"commitP50"` // from sending to the first orderer's block
	CommitP99 time.Duration `json:"commitP99"`
	Gap       time.Duration `json:"gap"` // longest time without an acknowledgement
	Errors    []string      `json:"errors,omitempty"`
}

// OnOrderer is what one orderer's blocks contain of the run.
type OnOrderer struct {
	Name    string  `json:"name"`
	Ordered int     `json:"ordered"`
	Blocks  int     `json:"blocks"`
	CPU     float64 `json:"cpu"` // microseconds of its process for each acknowledged envelope; 0 if unknown
}

// Sound reports whether envelopes were acknowledged and all of them ordered exactly once.
func (r Result) Sound() bool { return r.Acknowledged > 0 && r.Missing == 0 && r.Duplicated == 0 }

func (l *ledgers) result() Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Result{Reasons: l.reasons, Sent: len(l.fates)}
	for i, t := range l.config.Follow {
		r.Orderers = append(r.Orderers, OnOrderer{Name: t.Name, Blocks: l.blocks[i]})
	}
	var acks, commits []time.Duration
	answers := []time.Time{l.start}
	for _, f := range l.fates {
		r.count(f)
		if f.outcome == acknowledged {
			acks = append(acks, f.answered.Sub(f.sent))
			answers = append(answers, f.answered)
		}
		if !f.ordered.IsZero() {
			commits = append(commits, f.ordered.Sub(f.sent))
		}
	}
	r.AckP50, r.AckP99 = Percentiles(acks)
	r.CommitP50, r.CommitP99 = Percentiles(commits)
	r.Gap = longestGap(answers) // sorts them
	if s := answers[len(answers)-1].Sub(l.start).Seconds(); s > 0 {
		r.AcknowledgedTx = float64(r.Acknowledged) / s
	}
	if r.Seconds = l.last.Sub(l.start).Seconds(); r.Seconds > 0 {
		r.CommittedTx = float64(r.Acknowledged) / r.Seconds
	}
	for _, err := range l.errs {
		r.Errors = append(r.Errors, err.Error())
	}
	return r
}

// count adds one envelope.
func (r *Result) count(f *fate) {
	switch f.outcome {
	case acknowledged:
		r.Acknowledged++
	case refused:
		r.Refused++
	default:
		r.Unknown++
	}
	missing, twice := false, false
	for i, copies := range f.seen {
		r.Orderers[i].Ordered += int(min(copies, 1))
		missing = missing || copies == 0
		twice = twice || copies > 1
	}
	if missing && f.outcome == acknowledged {
		r.Missing++
	}
	if twice {
		r.Duplicated++
	}
}

// Percentiles sorts values and returns the median, and the value below which 99 % of them lie; zero values if there are none.
func Percentiles[T cmp.Ordered](d []T) (p50, p99 T) {
	if len(d) == 0 {
		return p50, p99
	}
	slices.Sort(d)
	return d[len(d)/2], d[len(d)*99/100]
}

func longestGap(at []time.Time) time.Duration {
	slices.SortFunc(at, time.Time.Compare)
	var longest time.Duration
	for i := 1; i < len(at); i++ {
		longest = max(longest, at[i].Sub(at[i-1]))
	}
	return longest
}

// cpuTimes reads how much processor time each process has used, in microseconds.
func cpuTimes(targets []Target) []float64 {
	used := make([]float64, len(targets))
	for i, t := range targets {
		used[i] = float64(CPUTime(t.PID).Microseconds())
	}
	return used
}

// CPUTime reads how much processor time a process has used; 0 if that cannot be read, as on macOS.
func CPUTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const user, system, tick = 11, 12, 10 * time.Millisecond // proc(5)
	if len(fields) <= system {
		return 0
	}
	u, _ := strconv.ParseInt(fields[user], 10, 64)
	s, _ := strconv.ParseInt(fields[system], 10, 64)
	return time.Duration(u+s) * tick
}

func (r *Result) cpu(before, after []float64) {
	for i := range r.Orderers {
		if r.Acknowledged > 0 && before[i] > 0 && after[i] > before[i] { // the process is the same
			r.Orderers[i].CPU = (after[i] - before[i]) / float64(r.Acknowledged)
		}
	}
}

// shownReasons bounds the reasons that String lists: their texts may contain times.
const shownReasons = 5

// MostOften returns the reasons, the most frequent one first.
func (r Result) MostOften() []string {
	return slices.SortedFunc(maps.Keys(r.Reasons), func(a, b string) int {
		return cmp.Or(r.Reasons[b]-r.Reasons[a], strings.Compare(a, b))
	})
}

// String returns the result as text.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "acknowledged %d of %d sent (refused %d, unknown %d) in %.1f s\n", r.Acknowledged, r.Sent, r.Refused, r.Unknown, r.Seconds)
	fmt.Fprintf(&b, "committed    %.0f tx/s\n", r.CommittedTx)
	fmt.Fprintf(&b, "latency      acknowledged p50 %v, p99 %v; in a block p50 %v, p99 %v; longest gap %v\n",
		r.AckP50.Round(time.Microsecond*100), r.AckP99.Round(time.Microsecond*100), r.CommitP50.Round(time.Millisecond), r.CommitP99.Round(time.Millisecond), r.Gap.Round(time.Millisecond))
	for _, o := range r.Orderers {
		fmt.Fprintf(&b, "%-12s ordered %d in %d blocks", o.Name, o.Ordered, o.Blocks)
		if o.CPU > 0 {
			fmt.Fprintf(&b, ", %.0f us of CPU each", o.CPU)
		}
		b.WriteByte('\n')
	}
	for i, reason := range r.MostOften() {
		if i == shownReasons {
			fmt.Fprintf(&b, "... and %d more reasons\n", len(r.Reasons)-i)
			break
		}
		fmt.Fprintf(&b, "refused %d times: %s\n", r.Reasons[reason], reason)
	}
	for _, e := range r.Errors {
		fmt.Fprintf(&b, "error: %s\n", e)
	}
	fmt.Fprintf(&b, "missing %d, duplicated %d\n", r.Missing, r.Duplicated)
	return b.String()
}
