package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Cores are numbers of cores, in ascending order.
type Cores []int

// ParseCores reads a list as taskset does: 0, 2-3 or 0,2-3.
func ParseCores(text string) (cores Cores, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(first)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(last)
		}
		if err != nil || from < 0 || to < from || to > 1023 {
			return nil, fmt.Errorf("%q is not a list of cores; write it like 0 or 0,2-3", text)
		}
		for c := from; c <= to; c++ {
			cores = append(cores, c)
		}
	}
	slices.Sort(cores)
	return slices.Compact(cores), nil
}

// String returns the list, each core by itself.
func (c Cores) String() string {
	parts := make([]string, len(c))
	for i, core := range c {
		parts[i] = strconv.Itoa(core)
	}
	return strings.Join(parts, ",")
}
