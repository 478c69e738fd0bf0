package history

import (
	"regexp"
	"slices"
	"time"
)

// gaps measures how long clients had to wait, from the first answer to the last.
func (r *Report) gaps(envelopes map[string]*envelope, events []Event) {
	all, each := []time.Time{}, map[int][]time.Time{}
	for _, e := range envelopes {
		if e.answer == Acknowledged {
			each[e.client] = append(each[e.client], e.answered)
		}
	}
	first, end := bounds(events)
	for client, at := range first {
		each[client] = append(each[client], at, end)
		all = append(all, each[client]...)
	}
	r.Gap, r.GapAt = longest(all)
	var faults []Event
	r.After = map[string]Wait{}
	for _, e := range events {
		if e.What == Fault {
			faults = append(faults, e)
			w := r.After[kindOf(e.Text)]
			w.Faults++
			r.After[kindOf(e.Text)] = w
		}
	}
	for _, times := range each {
		if gap, at := longest(times); gap > r.OneGap {
			r.OneGap, r.OneGapAt = gap, at
		}
		r.attribute(times, faults)
	}
}

// bounds returns when each client first sent, and when all stopped: in between it waits for
// acknowledgements, even if there are none.
func bounds(events []Event) (first map[int]time.Time, end time.Time) {
	first = map[int]time.Time{}
	for _, e := range events {
		switch e.What {
		case Submitted:
			if at, known := first[e.Client]; !known || e.At.Before(at) {
				first[e.Client] = e.At
			}
		case Ended:
			end = e.At
		}
	}
	return first, end
}

// attribute assigns each wait of a client to the last fault before its end.
func (r *Report) attribute(times []time.Time, faults []Event) {
	next := 0
	for i := 1; i < len(times); i++ {
		for next < len(faults) && faults[next].At.Before(times[i]) {
			next++
		}
		if next == 0 {
			continue
		}
		kind := kindOf(faults[next-1].Text)
		w := r.After[kind]
		if d := times[i].Sub(times[i-1]); d > w.Longest {
			w.Longest, w.At = d, times[i-1]
		}
		r.After[kind] = w
	}
}

// kindOf returns the text of a fault without the numbers of its targets.
func kindOf(text string) string { return numbers.ReplaceAllString(text, "") }

var numbers = regexp.MustCompile(`[0-9]+\b`)

// longest returns the longest time between two successive times, and its start.
func longest(times []time.Time) (gap time.Duration, at time.Time) {
	slices.SortFunc(times, time.Time.Compare)
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]); d > gap {
			gap, at = d, times[i-1]
		}
	}
	return gap, at
}
